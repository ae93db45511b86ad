#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir resource list: formats, queues, properties, some nodes; weir hostlist.
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1

# ---- hostlist: no instance is needed for literal lists
run weir hostlist 'nodeA[1-3,5]' bar
ran 0 'nodeA[1-3,5],bar' '' 'lists are joined'
run weir hostlist -e 'n[1-3]'
ran 0 'n1 n2 n3' '' '--expand'
run weir hostlist -e -d , 'n[1-3]'
ran 0 'n1,n2,n3' '' '--delimiter'
run weir hostlist -c 'n[1-3]' 'n[2,2]'
ran 0 5 '' '--count'
run weir hostlist -n -1 'n[1-3]'
ran 0 n3 '' '--nth: from the end'
run weir hostlist --nth=0,2 'n[1-3]'
ran 0 'n[1,3]' '' 'and from the begin'
run weir hostlist -F n2,n3 'n[1-3]'
ran 0 '1 2' '' '--find'
run weir hostlist -x 0 'n[1-3]'
ran 0 'n[2-3]' '' '--exclude: a place'
run weir hostlist -x 'n[1,9]' 'n[1-3]'
ran 0 'n[2-3]' '' 'a host'
run weir hostlist -m 'n[1-3]' n2
ran 0 'n[1,3]' '' '--minus'
run weir hostlist -i 'n[1-3]' 'n[2-4]' 'n[3-9]'
ran 0 n3 '' '--intersect'
run weir hostlist -X 'n[1-3]' 'n[3-4]'
ran 0 'n[1-2,4]' '' '--xor'
run weir hostlist -u 'n[3,1,1]'
ran 0 'n[1,3]' '' '--unique'
run weir hostlist -S 'n[10,9,9]'
ran 0 'n[9,9-10]' '' '--sort: by number'
run weir hostlist -L 2 'n[1-5]'
ran 0 'n[1-2]' '' '--limit: the first'
run weir hostlist -L -2 'n[1-5]'
ran 0 'n[4-5]' '' 'the last'
printf 'n1\nn[2-3],x n9\n' >"$WORK/in"
OUT=$(weir hostlist <"$WORK/in")
is "$OUT" 'n[1-3],x,n9' 'standard input'
OUT=$(weir hostlist -c - n1 <"$WORK/in")
is "$OUT" 6 'with a list'
OUT=$(weir hostlist </dev/null)
is "$? $OUT" '0 ' 'nothing'
run weir hostlist -q -i n1 n2
ran 1 '' '' '--quiet: nothing is left'
run weir hostlist -q n1
ran 0 '' '' 'something is'
run weir hostlist -F n9 'n[1-3]'
ran 1 '' "weir-hostlist: ERROR: host 'n9' not found" 'a host that is not there'
run weir hostlist -n 3 'n[1-3]'
ran 1 '' "weir-hostlist: ERROR: --nth: '3': the list has 3 hosts" 'a place that is not'
run weir hostlist -n -4 'n[1-3]'
ran 1 '' "weir-hostlist: ERROR: --nth: '-4': the list has 3 hosts" 'nor from the end'
run weir hostlist 'n[1-'
ran 1 '' 'weir-hostlist: ERROR: n*: *' 'a list that is none'
run weir hostlist -L 0 n1
ran 2 '' "weir-hostlist: --limit: '0' is no number other than 0*" 'no limit'
run weir hostlist -c -n 1 n1
ran 2 '' 'weir-hostlist: --count, --nth and --find *' 'two answers'
run weir hostlist -i -m n1
ran 2 '' 'weir-hostlist: --intersect, --minus and --xor *' 'two ways'
run weir hostlist -f foo1
ran 0 foo1 '' '--fallback: what is no job is a host'

# ---- with nodes of several kinds
start_instance -s4 || { ok 1 'an instance starts'; done_testing; }
cores=$(weir resource list -n -s all -o '{ncores}')
each=$((cores / 4))
cat >"$WORK/graph" <<END
version: 1
resources:
- type: cluster
  with:
  - type: node
    count: 4
    properties: {big: 2-3, odd: "1", night: "3"}
    with:
    - {type: core, count: $each}
END
is "$(weir resource list -n -o '{state} {nnodes}')" 'free 4
allocated 0
down 0' 'a format'
weir kvs put -r resource.graph=- <"$WORK/graph"
weir kvs put config='{"queues":{"day":{"requires":["^night"]},"night":{"requires":["night"]}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"day"}}}}}'
is "$(weir resource list -n -s all -o '{ranks}:{properties}:{queue}')" '0::day
1:odd:day
2:big:day
3:big,night:night' 'nodes of which the same is shown are in one line'
is "$(weir resource list -n -s all -o '{ranks}:{propertiesx}')" '0:
1:odd
2-3:big' 'without the properties of queues'
matches "$(weir resource list -s all | head -n 1)" \
	'^ +STATE QUEUE PROPERTIES NNODES NCORES NGPUS NODELIST$' 'columns of the default'
is "$(weir resource list -n -q night -s free -o '{ranks}')" 3 '--queue'
is "$(weir resource list -n -q night,day -s free -o '{nnodes}')" 4 'several'
is "$(weir resource list -n -i 1,2,9 -o '{state} {ranks}')" 'free 1-2' \
	'--include: ranks, and states without are left out'
is "$(weir resource list -n -i 1 --no-skip-empty -o '{state} {ranks}')" 'free 1
allocated 
down ' '--no-skip-empty'
is "$(weir resource info -i 0-1)" "2 Nodes, $((2 * each)) Cores, 0 GPUs" 'info of some'
is "$(weir resource R -q night | grep -c '"night": *"3"')" 1 'R has the properties'
if [ "$each" -gt 1 ]; then
	range="core[0-$((each - 1))]"
else
	range=core0
fi
is "$(weir resource list -n -s all -o '{rlist}')" "rank[0-3]/$range" 'what there is, in short'
matches "$(weir resource list -n -o rlist -s all -i 0)" 'rank0/core' 'a format with a name'
run weir resource list -o help
matches "$OUT" '^  rlist$' 'which are listed'
run weir resource list -o nope
ran 1 '' 'weir-resource: ERROR: --format: No such format nope' 'a format that is none'
run weir resource list -o '{nope}'
ran 1 '' 'weir-resource: ERROR: *Unknown format field: nope' 'a field that is none'
run weir resource list -q nope
ran 1 '' "weir-resource: --queue: 'nope': there is no such queue" 'a queue that is none'
run weir resource list -i 'a['
ran 1 '' "weir-resource: --include: 'a*' is neither ranks nor hosts: *" 'neither ranks nor hosts'

# ---- jobs that need them
weir queue start --all --quiet
run weir run -q day --requires=odd sh -c 'echo {{node.broker_rank}}'
ran 0 1 '' 'a job runs where a property is'
run weir run -q day --requires='-odd,big' sh -c 'echo {{node.broker_rank}}'
is "$STATUS" 0 'and where it is not'
run weir run -q day --requires='big & -odd' sh -c 'echo {{node.broker_rank}}'
ran 0 2 '' 'both'

# ---- hosts of the instance and of jobs
is "$(weir hostlist -c instance) $(weir hostlist avail)" '4 node[0-3]' 'hosts of the instance'
id=$(weir submit -q day -N2 --requires=ranks:0-1 sleep 1000)
weir job wait-event -q "$id" start
is "$(weir hostlist -c "$id")" 2 'of a job'
is "$(WEIR_JOB_ID=$id weir hostlist -l -c) $(weir hostlist -c local)" '2 4' 'of this job, or else all'
run weir hostlist 123
ran 1 '' 'weir-hostlist: ERROR: job 123 not found' 'of no job'
held=$(weir submit -q day --urgency=hold true)
run weir hostlist "$held"
ran 1 '' "weir-hostlist: ERROR: job $held has no nodes yet" 'of a job that waits'
weir cancel --all --quiet
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
