#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The graph of resources grows and shrinks under running jobs.
# weir-resource(1), weir-resources(5).
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET"
LONG='exec.test.run_duration=1h'

# recipe COUNT FIRST [MORE]: a rack of so many nodes
recipe()
{
	cat <<END
version: 1
resources:
- type: cluster
  with:
  - type: rack
    with:
    - type: node
      count: $1
      first: $2
      with:
      - {type: core, count: 2}
$3
END
}

have()
{
	weir resource list -n -s "${1:-all}" -o '{nnodes} {ncores} {ngpus} {nodelist}'
}

recipe 2 0 | weir kvs put -r resource.graph=-
weir kvs put resource.simulated=true
start_schedd
is "$(have)" '2 4 0 node[0-1]' 'two nodes'

# ---- it grows
submit first -S $LONG -N1 true && wait_event start
FIRST=$ID
submit wide -S $LONG -N3 true
like "$(cat "$WORK/refused")" '*unsatisfiable*' 'three are not there'
recipe 2 2 >"$WORK/more"
run weir resource grow "$WORK/more"
ran 0 '' '' 'it grows by two'
is "$(have)" '4 8 0 node[0-3]' 'which are there'
is "$(field first state) $(have allocated)" '16 1 2 0 node0' 'a job keeps what it has'
submit wide -S $LONG -N3 true && wait_event start
ok $? 'and three nodes are had'
WIDE=$ID
run weir resource grow "$WORK/more"
ran 1 '' 'weir-resource: ERROR: the graph has all of it' 'twice is nothing new'
recipe 1 1 '      - {type: gpu, count: 1}' | weir resource grow -
is "$(have)" '4 8 1 node[0-3]' 'a node gets a gpu, from standard input'
recipe 1 3 '      - {type: ssd, count: 1}' | weir resource grow -
kill_schedd KILL
start_schedd
is "$(have)" '4 8 1 node[0-3]' 'a restart knows'
is "$(have allocated)" '4 8 0 node[0-3]' 'also what jobs have, without what came later'

# ---- wrong
run weir resource grow /nonexistent
ran 1 '' '*/nonexistent*' 'a file that is not there'
echo nonsense >"$WORK/bad"
run weir resource grow "$WORK/bad"
ran 1 '' 'weir-resource: ERROR: *' 'that is none'
printf '%s\n' 'version: 1' 'resources:' '- type: moon' '  with: [{type: node, with: [{type: core}]}]' >"$WORK/bad"
run weir resource grow "$WORK/bad"
ran 1 '' 'weir-resource: ERROR: moon0: the graph begins with cluster0' 'another root'
run weir resource shrink /cluster0/rack7
ran 1 '' 'weir-resource: ERROR: /cluster0/rack7: there is no such resource' 'a path that is not there'
run weir resource shrink 9
ran 1 '' "weir-resource: ERROR: targets: not all of '9' are nodes of this instance" 'a rank'
run weir resource shrink /cluster0
ran 1 '' 'weir-resource: ERROR: /cluster0: nothing would be left' 'all of it'
run weir resource shrink --when-free /cluster0/rack0
ran 1 '' 'weir-resource: ERROR: no resource would have a rank' 'all that has a rank'

# ---- it shrinks
run weir resource shrink 3
ran 1 '' 'weir-resource: ERROR: /cluster0/rack0/node3: jobs have some of it*--when-free*' \
	'what is in use does not go'
run weir resource shrink --when-free 3 node2 /cluster0/rack0/node2
ran 0 '' '' 'but later'
run weir resource shrink
ran 0 '/cluster0/rack0/node3
/cluster0/rack0/node2' '' 'what waits is listed'
is "$(have down)" '2 4 0 node[2-3]' 'and gets no job'
kill_schedd KILL
start_schedd
is "$(weir resource shrink | wc -l | tr -d ' ') $(have down)" '2 2 4 0 node[2-3]' 'a restart knows that, too'
weir cancel "$WIDE"
wait_event clean "$(kvs_key "$WIDE").eventlog"
is "$(have) / $(weir resource shrink)" '2 4 1 node[0-1] / ' 'it goes when the job has ended'
is "$(field first state) $(have allocated)" '16 1 2 0 node0' 'another job goes on'
run weir resource shrink /cluster0/rack0/node1/gpu0
ran 0 '' '' 'a part of a node goes'
is "$(have)" '2 4 0 node[0-1]' 'at once if it is free'
run weir resource grow "$WORK/more"
ran 0 '' '' 'what was there comes back'
is "$(have free)" '3 6 0 node[1-3]' 'and is free'
weir cancel "$FIRST"
wait_event clean "$(kvs_key "$FIRST").eventlog"

# ---- another graph
recipe 3 0 >"$WORK/new"
weir kvs put -r resource.graph=- <"$WORK/new"
is "$(have)" '3 6 0 node[0-2]' 'a graph that is given replaces it'
waiting 'the end of resource.changed'
while weir kvs get resource.changed >"$WORK/out" 2>&1; do :; done
waited
ok 0 'with its changes'

# ---- nodes that register
weir kvs unlink resource.graph
weir kvs unlink resource.simulated
kill_schedd TERM
start_schedd
node_up 0
node_up 1
run weir resource grow "$WORK/more"
ran 1 '' 'weir-resource: ERROR: the graph is made of the nodes that register: *' 'does not grow by hand'
run weir resource shrink 0
ran 1 '' 'weir-resource: ERROR: */*: the node is there; its execd has to end first*' 'a node that is there stays'
weir kvs unlink node.0.info
run weir resource shrink 0
ran 0 '' '' 'one that is not goes'
before=$(have)
kill_schedd KILL
start_schedd
is "$(have)" "$before" 'for good'
node_up 0
call job-manager.ping '{}' >"$WORK/out"
like "$(have)" '*n[[]0-1],*' 'until it registers again'

# ---- one that is too large to be kept
cat >"$WORK/large" <<'END'
version: 1
resources:
- type: cluster
  with:
  - type: node
    count: 5000
    with:
    - {type: core, count: 100}
END
weir kvs put -r resource.graph=- <"$WORK/large"
run weir resource grow "$WORK/more"
ran 1 '' 'weir-resource: ERROR: *a graph of 50* vertices is too large to be changed (500000 at most)*' \
	'one of half a million vertices is replaced, not changed'
run weir resource shrink node1
ran 1 '' 'weir-resource: ERROR: *too large to be changed*' 'nor made smaller'

done_testing
