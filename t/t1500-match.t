#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir match: each command, each policy by example, what it says when it is
# asked wrongly. weir-match(1), weir-resources(5).
. "${srcdir:-.}/t/tap.sh"

cd "$WORK" || exit 1
cat >tiny.yaml <<'END'
version: 1
resources:
- type: cluster
  basename: tiny
  with:
  - type: rack
    count: 2
    with:
    - type: node
      count: 2
      properties: {big: 1-2, perf_class=2: 0-1, perf_class=1: '2'}
      with:
      - type: socket
        count: 2
        with:
        - {type: core, count: 2}
        - {type: gpu}
subsystems:
- name: bw
  with:
  - type: bandwidth
    size: 100
    with:
    - {type: bandwidth, count: 2, size: 60, covers: node}
END
spec()
{
	printf '{"version":1,"resources":[%s],"tasks":[],"attributes":{"system":{"duration":%s%s}}}\n' \
		"$1" "${2:-100}" "${3:-}"
}
slot()
{
	printf '{"type":"slot","count":%s,"label":"a","with":[%s]}' "$1" "$2"
}
item()
{
	printf '{"type":"%s","count":%s%s}' "$1" "$2" "${3:-}"
}
spec "$(slot 1 "$(item core 1)")" >core
spec "$(slot 1 "$(item node 1)")" >node
spec "$(slot 2 "$(item node 1)")" >nodes
spec "$(slot 4 "$(item node 1)")" >all
spec "$(slot 5 "$(item node 1)")" >more
spec "$(item fpga 1)" >unknown
spec "$(slot 1 "$(item core 1)")" 10 ',"constraints":"big and -ranks:1"' >big
spec "$(item node 1 ",\"with\":[$(slot 1 "$(item core 1)"),$(item bandwidth 50)]")" >bandwidth

# match LINES [OPTION...]: the lines to weir match, sets STATUS, OUT and ERR
match()
{
	lines=$1
	shift
	printf '%s\n' "$lines" >lines
	run weir match -L tiny.yaml "$@" <lines
}

match 'match allocate core
match allocate nodes
match allocate all
match allocate_with_satisfiability more
match satisfiability all
match allocate_orelse_reserve all
list
info 2'
ran 0 'tiny0[1:shared]
  rack0[1:shared]
    node0[1:shared]
      socket0[1:shared]
        core0[1:exclusive]
INFO: JOBID=1
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
tiny0[1:shared]
  rack0[1:shared]
    node1[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
  rack1[1:shared]
    node2[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
INFO: JOBID=2
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
INFO: No matching resources found
INFO: No matching resources found
INFO: Unsatisfiable request
INFO: Satisfiable request
tiny0[1:shared]
  rack0[1:shared]
    node0[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
    node1[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
  rack1[1:shared]
    node2[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
    node3[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
INFO: JOBID=3
INFO: RESOURCES=RESERVED
INFO: SCHEDULED AT=100
INFO: 1, ALLOCATED, 0, 100
INFO: 2, ALLOCATED, 0, 100
INFO: 3, RESERVED, 100, 200
INFO: 2, ALLOCATED, 0, 100
tiny0[1:shared]
  rack0[1:shared]
    node1[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]
  rack1[1:shared]
    node2[1:exclusive]
      socket0[1:exclusive]
        core0[1:exclusive]
        core1[1:exclusive]
        gpu0[1:exclusive]
      socket1[1:exclusive]
        core2[1:exclusive]
        core3[1:exclusive]
        gpu1[1:exclusive]' '' 'allocate, reserve, ask'

# where POLICY FILE: the lowest vertices that a job of FILE gets
where()
{
	match "match allocate $2" -P "$1" -F R
	printf '%s\n' "$OUT" | sed -n \
		's/.*"rank":"\([^"]*\)","children":{"core":"\([^"]*\)".*/\1:\2/p'
}
is "$(where first core) $(where low core)" '0:0 0:0' 'first, low'
is "$(where high core) $(where hinode core)" '3:3 3:3' 'high, hinode'
is "$(where lonodex core) $(where hinodex core)" '0:0-3 3:0-3' \
	'lonodex, hinodex'
is "$(where firstnodex core) $(where lonode core)" '0:0-3 0:0' \
	'firstnodex, lonode'
is "$(where variation core) $(where variation nodes)" '2:0 0,2:0-3' \
	'variation'
is "$(where locality nodes)" '0-1:0-3' 'locality'
match 'match allocate node
set-status /tiny0/rack0/node1 down
match allocate nodes' -P locality -F R
like "$OUT" '*"rank":"0"*"rank":"2-3"*' 'locality: a rack that has enough'
match 'match allocate core
match allocate node
match allocate core
cancel 1
match allocate core' -P bestfit -F R
is "$(printf '%s\n' "$OUT" | sed -n \
	's/.*"rank":"\([^"]*\)","children":{"core":"\([^"]*\)".*/\1:\2/p' |
	tr '\n' ' ')" '0:0 1:0-3 0:1 0:0 ' 'bestfit: where least is free'
plugin=$builddir/t/tool/.libs/policy_odd.so
is "$(where "$plugin" core)" '1:0' 'a policy of a shared object'
match '' -P ./none.so
ran 1 '' 'weir-match: policy: *none.so*' 'one that is not there'
match '' -P "$builddir/t/tool/.libs/policy_old.so"
ran 1 '' 'weir-match: policy: *it is of version 0, not 1*' 'one that is too old'
match '' -P nonsense
ran 1 '' "weir-match: there is no policy 'nonsense'*" 'an unknown name'

match 'match allocate big' -F R
like "$OUT" '*"rank":"2"*"nodelist":\["node2"\],*"properties":{*"big":"2"*' \
	'a query as constraint; properties of what is had'
match 'match allocate bandwidth bandwidth bandwidth'
ran 0 'tiny0[1:shared]
  rack0[1:shared]
    node0[1:shared]
      socket0[1:shared]
        core0[1:exclusive]
bandwidth0[50:shared]
bandwidth1[50:shared]
INFO: JOBID=1
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
tiny0[1:shared]
  rack1[1:shared]
    node2[1:shared]
      socket0[1:shared]
        core0[1:exclusive]
bandwidth0[50:shared]
bandwidth2[50:shared]
INFO: JOBID=2
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
INFO: No matching resources found' '' 'bandwidth all the way up'

# ---- R and back ----

for format in R R+jgf; do
	match 'match allocate nodes' -F $format
	printf '%s\n' "$OUT" | head -n 1 >R
	match "update allocate R 9 0 100
cancel 9
update reserve R 10 50 100
match allocate all
info 10" -F $format
	is "$(printf '%s\n' "$OUT" | head -n 1)" "$(cat R)" \
		"$format: a job is taken up with what it has"
	matches "$OUT" 'RESOURCES=RESERVED' "$format: and for later"
	matches "$OUT" 'No matching' "$format: that is kept free"
done
match 'match allocate nodes' -F R
printf '%s\n' "$OUT" | sed -n '1s/"rank":"0-1"/"rank":"0"/
	1s/node\[0-1\]/node0/; 1s/"\(big\|perf[^"]*\)":"[^"]*",*//g; 1p' >half
match 'match allocate nodes
partial-cancel 1 half
info 1
partial-cancel 1 half
match allocate node
cancel 1 2
list' -F R
is "$(printf '%s\n' "$OUT" | grep -c '"rank":"1"')" 1 'a part is given back'
is "$(printf '%s\n' "$OUT" | grep -c '"rank":"0"')" 1 'and another gets it'
match print -F jgf
printf '%s\n' "$OUT" >jgf
printf 'print\n' | weir match -L jgf -f jgf -F jgf >again
ok "$(cmp -s jgf again; echo $?)" 'JGF is printed exactly'
match print -F R
printf '%s\n' "$OUT" >whole
printf 'print\n' | weir match -L whole -f R -F R >again
ok "$(cmp -s whole again; echo $?)" 'R is printed exactly'

# ---- status, properties, find ----

match 'set-status /tiny0/rack1 down
get-status /tiny0/rack1/node3
find status=down and names=node[2-3]
set-property /tiny0/rack0/node0 fast=1
get-property /tiny0/rack0/node0 fast
find property=fast
remove-property /tiny0/rack0/node0 fast
find property=fast
match allocate core
find sched-now=allocated and names:node[0-3]
find jobid-alloc=1 and (names:core0 or names:core1)
match allocate all
set-status /tiny0/rack1 up
time 5
policy high
match allocate core'
ran 0 '/tiny0/rack1/node3 is down
tiny0[1:shared]
  rack1[1:shared]
    node2[1:exclusive]
    node3[1:exclusive]
fast=1
tiny0[1:shared]
  rack0[1:shared]
    node0[1:exclusive]
tiny0[1:shared]
  rack0[1:shared]
    node0[1:shared]
      socket0[1:shared]
        core0[1:exclusive]
INFO: JOBID=1
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now
tiny0[1:shared]
  rack0[1:shared]
    node0[1:exclusive]
tiny0[1:shared]
  rack0[1:shared]
    node0[1:shared]
      socket0[1:shared]
        core0[1:exclusive]
INFO: No matching resources found
tiny0[1:shared]
  rack1[1:shared]
    node3[1:shared]
      socket1[1:shared]
        core3[1:exclusive]
INFO: JOBID=2
INFO: RESOURCES=ALLOCATED
INFO: SCHEDULED AT=Now' '' 'status, properties, find, time, policy'

match 'match allocate core
stat'
matches "$OUT" '^Vertices: 42$' 'stat: vertices'
matches "$OUT" '^Matches: 1 of 1$' 'stat: matches'
match help
is "$(printf '%s\n' "$OUT" | wc -l)" 19 'help: a line a command'
match "cat core
quit
match allocate core"
is "$OUT" "$(cat core)" 'cat, quit'

# ---- what is wrong ----

wrong()
{
	match "$1"
	ran 1 '' "weir-match: $2" "wrong: $1"
}
wrong foo "there is no command 'foo'"
wrong match 'usage: match allocate*'
wrong 'match some core' "match: there is no way 'some'"
wrong 'match allocate none' 'none: No such file or directory'
wrong 'match allocate unknown' \
	"unknown: resources\\[0].type: the graph has no 'fpga'"
wrong 'match allocate tiny.yaml' 'tiny.yaml: subsystems: unknown key'
wrong 'cancel 99' 'there is no job 99'
wrong 'cancel x' "'x' is not a number"
wrong 'info 3' 'there is no job 3'
wrong 'update keep R 1 0 1' "update: it is allocate or reserve, not 'keep'"
wrong 'update allocate R 1 5 0' 'update: its times are out of range'
wrong 'update allocate core 1 0 1' 'core: execution: is missing*'
wrong 'set-status /tiny0/rack7 down' '/tiny0/rack7: there is no such resource'
wrong 'set-status /tiny0 sideways' \
	"set-status: it is up or down, not 'sideways'"
wrong 'get-property /tiny0 x' '/tiny0: it has no property x'
wrong 'find colour=red' 'find: constraints.colour: there is no such operator'
wrong 'find status=blue' \
	"find: constraints.status: 'blue' is not what can be asked for"
wrong 'find (a' "find: query: byte *: ')' is missing"
run weir match -L none
ran 1 '' 'weir-match: none: No such file or directory' 'no such graph'
run weir match
ran 1 '' 'weir-match: which graph? --load FILE*' 'no graph'
echo 'version: 1' >bad
run weir match -L bad
ran 1 '' 'weir-match: bad: resources: is missing*' 'a bad graph'
match '' -p core
ran 1 '' "weir-match: tiny.yaml: filter 'core': it must be HIGH:LOW*" \
	'a bad filter'
match 'match allocate all' -p ALL:node,rack:gpu
ok "$STATUS" 'filters'

# ---- the benchmark, tiny ----

run weir bench sched --nodes 8 -n 40 --policy bestfit --json
ok "$STATUS" 'weir bench sched'
for name in build core core.slowest core.gaps.end core.gaps node \
	node.slowest node.gaps.end node.gaps possible impossible.many \
	impossible.large memory backfill.easy backfill.easy.first \
	backfill.hybrid backfill.hybrid.first backfill.conservative \
	backfill.conservative.first backfill.conservative.part; do
	matches "$OUT" "\"name\":\"sched.$name\"" "sched.$name"
done
run weir bench sched --nodes 64 --trace 300 --json
matches "$OUT" '"name":"sched.trace.easy"' 'a trace, whose schedule is right'
run weir bench sched --nodes 0
ran 1 '' "weir-bench: --nodes: '0' is not a number*" 'no nodes'
done_testing
