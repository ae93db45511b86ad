#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What jobs get of the resource graph. weir-resources(5), schedd(8).
# shellcheck disable=SC2086
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
LONG='-S exec.test.run_duration=1h'

# where NAME: the ranks and cores of the newest job of that name
where()
{
	weir kvs get "$(kvs_key "$(field "$1" id)").R" |
		sed 's/.*"R_lite":\(.*\),"nodelist.*/\1/; s/[]"{}[]//g; s/children://g'
}

# ---- nodes that register
node_up 0
node_up 1 0-3
node_up 2
submit two $LONG -N2 true
wait_event start
is "$(where two)" 'rank:0,core:0-1,rank:1,core:0-3' 'whole nodes by rank'
weir cancel --all --quiet

# ---- constraints of jobs
submit here $LONG -n1 -S 'constraints={"hostlist":["n[1-2]"]}' true
wait_event start
is "$(where here)" 'rank:1,core:0' 'hosts'
submit there $LONG -n1 -S 'constraints={"not":[{"ranks":["0-1"]}]}' true
wait_event start
is "$(where there)" 'rank:2,core:0' 'ranks'
submit full $LONG -n1 -S 'constraints={"ranks":["2"]}' true
submit more $LONG -n1 -S 'constraints={"ranks":["2"]}' true
is "$(field full state) $(field more state)" '16 8' 'one that does not fit waits'
submit wide -n5 -S 'constraints={"ranks":["0","2"]}' true
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: unsatisfiable request: it does not fit on the nodes that its constraints allow' \
	'one that can never fit is refused'
submit odd -n1 -S 'constraints={"colour":["red"]}' true
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: unsatisfiable request: constraints.colour: there is no such operator' \
	'one that makes no sense, too'

# ---- a node changes while jobs are on it
node_up 2 0-3
wait_event start
is "$(where more)" 'rank:2,core:2' 'a node that has grown gets more'
kill_schedd KILL
start_schedd
is "$(weir resource list -n -s allocated,free | awk '{print $1, $3}')" \
	'allocated 4
free 6' 'a restart knows what jobs have'
weir cancel --all --quiet

# ---- a graph that is given
cat >"$WORK/graph" <<'EOF'
version: 1
resources:
- type: cluster
  with:
  - type: node
    count: 4
    properties: {big: 2-3}
    with:
    - {type: core, count: 4}
    - {type: gpu, count: 1}
    - {type: memory, size: 16, unit: GB}
EOF
weir kvs put -r resource.graph=- <"$WORK/graph"
is "$(weir resource list -n -s free,down -o '{state} {nnodes} {ncores} {ngpus}')" \
	'free 3 12 3
down 1 4 1' 'a graph is given: what is up remains so'
submit before $LONG -n1 true
wait_event start
CONFIG='{"resource":{"match-policy":"high"},
	"queues":{"all":{},"big":{"requires":["big"]},"small":{"requires":["^big"]}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"all"}}}}}'
weir kvs put config="$CONFIG"
weir queue start --all --quiet
submit last $LONG -n1 true
wait_event start
is "$(where last)" 'rank:2,core:3' 'match-policy high: the last that is up'
submit big $LONG -q big -n1 true
submit small $LONG -q small -n1 true
wait_event start
is "$(where big) $(where small)" 'rank:2,core:2 rank:1,core:3' \
	'queues require properties'
submit wide -q big -N3 true
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: unsatisfiable request: it does not fit on the nodes of its queue' \
	'and refuse what cannot be there'
weir kvs put config='{"resource":{"match-policy":"lowest"}}'
is "$(weir dmesg | grep -c "config: resource.match-policy: there is no policy 'lowest'")" 1 \
	'a policy that does not exist is logged'
weir kvs put config="$CONFIG"
weir cancel "$(field before id)"
wait_event clean "$(kvs_key "$(field before id)").eventlog"
submit whole $LONG -q all -N1 --exclusive true
wait_event start
is "$(weir kvs get $KEY.R | sed 's/.*"scheduling"://')" '{"picks":[{"rank":0}]}}' \
	'R says that a whole node is had'
weir kvs put resource.graph=nonsense
is "$(weir dmesg | grep -c 'resource.graph: .*; it is not used')" 1 \
	'a graph that is none is logged'
weir kvs put -r resource.graph=- <"$WORK/graph"
kill_schedd KILL
start_schedd
is "$(weir resource list -n -s allocated -o '{state} {nnodes} {ncores} {ngpus}')" \
	'allocated 3 7 1' 'a restart adopts what jobs have'
node_up 3 0-3
is "$(weir dmesg | grep -c 'node.3.info: the graph of resources has more')" 1 \
	'a node that lacks what the graph says is told'
weir kvs put node.3.info='{"host":"x","cores":"0-7","gpus":"0"}'
submit third $LONG -q big -N1 --exclusive true
wait_event start
is "$(where third)" 'rank:3,core:0-3,gpu:0' 'one that has it is up'
weir cancel --all --quiet

# ---- nodes that are simulated
weir kvs put resource.simulated=true
kill_schedd KILL
start_schedd
is "$(weir resource list -n -s free -o '{state} {nnodes} {ncores} {ngpus}')" \
	'free 4 16 4' 'simulated nodes are up'
submit paper -n1 -q all true
matches "$(cat "$WORK/refused")" 'the nodes of this instance are simulated' \
	'but run nothing'
submit paper $LONG -n1 -q all true
wait_event start
ok $? 'other than what pretends to run'

done_testing
