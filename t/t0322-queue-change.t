#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Queues whose nodes change, and jobs that change while they wait in a queue
# that looks ahead. weir-config(5).
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET"
cat >"$WORK/graph" <<'EOF'
version: 1
resources:
- type: cluster
  with:
  - {type: node, count: 4, properties: {big: 0-1, gold: 2-3}, with: [{type: core, count: 2}]}
EOF
weir kvs put -r resource.graph=- resource.simulated=true <"$WORK/graph"
start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing

# job NAME OPTION...: held by nothing but resources
job()
{
	submit "$@" -t1h -S exec.test.run_duration=1d true
}

# queues ALL PART: what they have of nodes, and the policy
queues()
{
	weir kvs put config="{\"queues\":{\"all\":{},\"part\":{$1}},
		\"policy\":{\"queue-policy\":\"${2-fcfs}\",
		\"jobspec\":{\"defaults\":{\"system\":{\"queue\":\"all\"}}}}}"
}

# try NAME: a job of two whole nodes in the queue part
try()
{
	if job "$1" -q part -N2 -x; then
		weir cancel "$ID"
		echo accepted
	else
		sed 's/.*request: //' "$WORK/refused"
	fi
}

states()
{
	weir jobs -no '{name}:{state}' -f sched,run --sort=name | xargs
}

# ---- an answer holds for what a queue was then
no='it does not fit on the nodes of its queue'
queues '"hosts":"node0"'
weir queue start --all --quiet
# one that asks for the same is there all the time
job same -q all -N2 -x
is "$(try a)" "$no" 'two nodes of a queue with one'
queues '"hosts":"node[0-1]"'
is "$(try b)" accepted 'it has a second: two can be had'
queues '"hosts":"node1"'
is "$(try c)" "$no" 'it has lost one'
queues '"requires":["big"]'
is "$(try d)" accepted 'it has those of a property'
queues '"requires":["big","gold"]'
is "$(try e)" "$no" 'of two properties that no node has'
queues ''
is "$(try f)" accepted 'it has all'
weir cancel --all --quiet
weir queue idle --quiet

# ---- changes are told to a queue that looks ahead
queues '' conservative
job full -N4 -x
job x -N4 -x
job y -N4 -x
job z -N4 -x
# begins: the one that waits gets what the one that runs gives back
begins()
{
	weir cancel "$(field "$1" id)"
	wait_event start "$(kvs_key "$(field "$2" id)").eventlog"
	states
}
weir job urgency "$(field z id)" 20 >/dev/null
is "$(begins full z)" 'x:SCHED y:SCHED z:RUN' 'a job of more urgency comes first'
weir cancel "$(field x id)"
is "$(begins z y)" 'y:RUN' 'one that went is not waited for'
job last -N4 -x
queues '' fcfs
queues '' easy
is "$(begins y last)" 'last:RUN' 'policies come and go'
weir cancel --all --quiet

done_testing
