#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Queue policies of schedd: who waits for whom, and until when. weir-config(5).
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET"
printf '%s\n' 'version: 1' 'resources:' \
	'- {type: cluster, with: [{type: node, with: [{type: core, count: 4}]}]}' |
	weir kvs put -r resource.graph=- resource.simulated=true
start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing

# job NAME CORES LIMIT: held by nothing but resources
job()
{
	submit "$1" -n"$2" -t"$3" -S exec.test.run_duration=1d true
}

# states: of all jobs by name
states()
{
	weir jobs -no '{name}:{state}' -f sched,run --sort=name | xargs
}

# after NAME OTHER: seconds from the end of OTHER until NAME is expected
after()
{
	call job-list.list "{\"name\":\"$1\",\"max_entries\":1,\"attrs\":[\"annotations\"]}" \
		>"$WORK/estimate"
	call job-list.list "{\"name\":\"$2\",\"max_entries\":1,\"attrs\":[\"expiration\"]}" \
		>"$WORK/expiration"
	sed -n 's/.*"t_estimate":\([0-9.]*\).*/\1/p' "$WORK/estimate" |
		awk -v e="$(sed -n 's/.*"expiration":\([0-9.]*\).*/\1/p' "$WORK/expiration")" \
		'{ d = $1 - e; print (d > -2 && d < 2) ? "then" : d }'
}

# ---- first come, first served
job first 2 1h
job wide 4 1h
job short 1 30m
is "$(states)" 'first:RUN short:SCHED wide:SCHED' 'fcfs: nothing passes one that waits'
is "$(after wide first)" '' 'nor is it known for how long'

# ---- EASY
weir kvs put config='{"policy":{"queue-policy":"easy"}}'
job long 1 10h
job wider 3 1h
is "$(states)" 'first:RUN long:SCHED short:RUN wide:SCHED wider:SCHED' \
	'easy: what delays nobody passes'
is "$(after wide first)" then 'the first that waits is told when'
is "$(after wider first)" '' 'the others are not'
kill_schedd KILL
start_schedd
is "$(states) $(after wide first)" \
	'first:RUN long:SCHED short:RUN wide:SCHED wider:SCHED then' \
	'a restart knows the same'

# ---- conservative
weir kvs put config='{"policy":{"queue-policy":"conservative"}}'
is "$(states)" 'first:RUN long:SCHED short:RUN wide:SCHED wider:SCHED' \
	'conservative: nobody runs who did not'
matches "$(call job-list.list '{"name":"wider","max_entries":1,"attrs":["annotations"]}')" \
	'"t_estimate":[0-9]+' 'all are told when'

# ---- changes
weir update "$(field first id)" duration=2h
is "$(after wide first)" then 'a time limit moves, and what was expected'
weir job urgency "$(field wider id)" hold >/dev/null
weir cancel "$(field wide id)"
wait_event start "$(kvs_key "$(field long id)").eventlog"
is "$(states)" 'first:RUN long:RUN short:RUN wider:SCHED' \
	'what was reserved for one that goes is free'
job next 4 1h
weir job urgency "$(field wider id)" default >/dev/null
matches "$(call job-list.list '{"name":"next","max_entries":1,"attrs":["annotations"]}')" \
	'"t_estimate":[0-9]+' 'one that was held has its place again'
weir cancel "$(field first id)" "$(field short id)"
wait_event start "$(kvs_key "$(field wider id)").eventlog"
is "$(states)" 'long:RUN next:SCHED wider:RUN' 'its turn comes'

# ---- a graph that changes
printf '%s\n' 'version: 1' 'resources:' \
	'- {type: cluster, with: [{type: node, count: 3, with: [{type: core, count: 4}]}]}' |
	weir kvs put -r resource.graph=-
wait_event start "$(kvs_key "$(field next id)").eventlog"
is "$(states)" 'long:RUN next:RUN wider:RUN' 'more nodes, and it waits no longer'
job huge 12 1h
printf '%s\n' 'version: 1' 'resources:' \
	'- {type: cluster, with: [{type: node, count: 2, with: [{type: core, count: 4}]}]}' |
	weir kvs put -r resource.graph=-
wait_event clean
matches "$(weir job eventlog "$ID")" \
	'unsatisfiable request: 12 cores are needed, the instance has 8' \
	'fewer, and one that waited can never run'

# ---- what is wrong
for wrong in '"queue-policy":"best":there is no queue policy' \
	'"queue-policy":7:must be a string' \
	'"queue-depth":0:must be a number of jobs'; do
	weir kvs put config="{\"policy\":{${wrong%:*}}}"
	is "$(weir dmesg | grep -c "config: policy.*${wrong##*:}")" 1 "$wrong"
done
weir cancel --all --quiet

done_testing
