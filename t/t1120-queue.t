#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Queues: one without a name and several with, their limits and defaults.
# weir-queue(1), weir-config(5).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
LONG='-S exec.test.run_duration=1h'
QUICK='-S exec.test.run_duration=0.001s'

# ---- the queue without a name
run weir queue status
ran 0 'Job submission is enabled
Scheduling is started' '' 'status'
run weir queue list
ran 0 ' EN ST TDEFAULT   TLIMIT     NNODES     NCORES      NGPUS
  ✔  ✔      inf      inf        0-1        0-2        0-0' '' 'list'
run weir queue list -no '{enabled.ascii} {scheduling} {limits.range.nnodes}'
ran 0 'y started 0-inf' '' 'list with a format of its own'
run weir queue list -o nodes
ran 0 ' EN ST NODES NODES:UP NODES:DOWN NODES:ALLOC NODES:FREE
  ✔  ✔     1        1          0           0          1' '' 'list -o nodes'
run weir queue list -o nothing
ran 1 '' 'weir-queue: ERROR: --format: No such format nothing' 'an unknown format'
run weir queue list -o '{id}'
ran 1 '' '*Unknown format field: id' 'an unknown field'
run weir queue stop -m maint
ran 0 'Scheduling is stopped: maint' '' 'stop'
# shellcheck disable=SC2086
submit one $QUICK true
is "$(field one state)" 8 'a job waits in SCHED'
run weir queue status -v
ran 0 'Job submission is enabled
Scheduling is stopped: maint
1 alloc requests queued
0 alloc requests pending to scheduler
0 running jobs' '' 'status -v'
run weir queue idle
ran 0 '0 jobs' '' 'idle: it is not about to run'
run weir queue drain --timeout=0.01s
ran 1 '' 'weir-queue: ERROR: drain: timeout' 'drain: but it is there'
run weir queue start
ran 0 'Scheduling is started' '' 'start'
run weir queue drain
ran 0 '' '' 'drain waits for its end'
is "$(field one result)" 1 'which comes'
run weir queue disable
ran 0 'Job submission is disabled: disabled by administrator' '' 'disable'
run weir queue disable -m maintenance
ran 0 'Job submission is disabled: maintenance' '' 'with a reason'
run weir submit true
ran 1 '' 'weir-submit: ERROR: job submission is disabled: maintenance' \
	'jobs are refused with it'
run weir queue disable not today
ran 0 'Job submission is disabled: not today' '' 'an older spelling'
run weir queue enable --quiet
ran 0 '' '' 'enable --quiet'
run weir submit -q nosuch true
ran 1 '' "weir-submit: ERROR: Invalid queue 'nosuch' specified" 'an unknown queue'
run weir queue status nosuch
ran 1 '' "weir-queue: ERROR: status: 'nosuch' is not a valid queue" 'nor has it a status'

# ---- named ones
weir kvs put config='{
	"queues":{
		"debug":{"policy":{"limits":{"duration":"30m","active-jobs":2,
			"job-size":{"max":{"nnodes":1}}}}},
		"batch":{"policy":{"limits":{"job-size":{"min":{"ncores":2}}}}},
		"free":{}},
	"policy":{
		"jobspec":{"defaults":{"system":{"queue":"batch","duration":"1h"}}},
		"limits":{"duration":"8h","job-size":{"max":{"ncores":4}}}}}'
run weir queue list
ran 0 'QUEUE    EN ST TDEFAULT   TLIMIT     NNODES     NCORES      NGPUS
debug     ✔  ✗       1h      30m        0-1        0-2        0-0
batch*    ✔  ✗       1h       8h        0-1        2-2        0-0
free      ✔  ✗       1h       8h        0-1        0-2        0-0' '' \
	'a configuration is in force at once; queues begin stopped'
run weir queue list -nq debug,free -o policy
ran 0 'debug     ✔  ✗       1h      30m        0-1        0-4      0-inf
free      ✔  ✗       1h       8h      0-inf        0-4      0-inf' '' 'list -q, -o policy'
run weir queue start
ran 1 '' 'weir-queue: ERROR: Named queues are defined. Specify queues or use --all.' \
	'which must be said'
run weir queue start debug batch
ran 0 'debug: Scheduling is started
batch: Scheduling is started' '' 'start by name'
run weir queue stop free
ran 0 'free: Scheduling is stopped' '' 'stop by name'

# ---- limits and defaults
# shellcheck disable=SC2086
submit standard -n2 $QUICK true
wait_event clean
is "$(weir jobs -ano '{queue} {duration!F}' "$ID")" 'batch 1h' \
	'a job without a queue gets the default one, and its time limit'
matches "$("$weir" kvs get "$KEY.jobspec")" '"queue":"batch"' 'so its request says'
refused()
{
	run weir submit "$@" true
	OUT=$ERR ERR=
}
limit="weir-submit: ERROR: requested"
refused -q debug -t 2h
is "$OUT" "$limit duration (2h) exceeds policy limit of 30m for queue debug" \
	'the time limit has a limit'
refused -q debug
is "$OUT" "$limit duration (1h) exceeds policy limit of 30m for queue debug" \
	'a default one, too'
refused -q debug -N2 -t 1m
is "$OUT" "$limit nnodes (2) exceeds policy limit of 1 for queue debug" 'so have nodes'
refused -n5
is "$OUT" "$limit ncores (5) exceeds policy limit of 4 for queue batch" \
	'and cores, by the policy of all'
refused -n1
is "$OUT" "$limit ncores (1) is under policy limit of 2 for queue batch" 'there is a least'
weir queue disable free -m closed >"$WORK/out"
refused -q free
is "$OUT" 'weir-submit: ERROR: job submission to free is disabled: closed' \
	'one queue can be closed'
weir queue enable --all --quiet
# shellcheck disable=SC2086
submit a -q debug -t 1m $LONG true
# shellcheck disable=SC2086
submit b -q debug -t 1m $LONG true
refused -q debug -t 1m
is "$OUT" 'weir-submit: ERROR: user has max active jobs (2) for queue debug' \
	'a user may have so many jobs'

# ---- each queue has its own order
# shellcheck disable=SC2086
submit big -q batch -n2 $LONG true
# shellcheck disable=SC2086
submit small -q free $LONG true
is "$(field big state) $(field small state)" '8 8' 'two queues wait'
weir queue start free --quiet
is "$(field small state)" 8 'there is no room'
weir cancel "$(field a id)"
wait_event alloc "$KEY.eventlog"
is "$(field big state) $(field small state)" '8 16' \
	'a job that waits does not hold up another queue'
run weir queue idle --timeout=0.01s free
ran 1 '' 'weir-queue: ERROR: idle: timeout' 'idle of one queue'
run weir queue idle --quiet nosuch
ran 1 '' "weir-queue: ERROR: idle: 'nosuch' is not a valid queue" 'of one that does not exist'
is "$(weir jobs -no '{name}' -q free) $(weir jobs -no '{name}' -q free,batch | sort | xargs)" \
	'small big small' 'weir jobs -q'
stats=$(weir job stats)
matches "$stats" '"queues":\[\{"name":"debug","job_states":\{[^}]*"run":1,[^}]*"inactive":1,"total":2\},"successful":0,"failed":0,"canceled":1,' \
	'job stats counts by queue'

# ---- hosts of its own
node_up 1
weir cancel --all --quiet
weir kvs put config='{
	"queues":{"debug":{"hosts":"n1"},"batch":{"hosts":"n[0,7]"},"free":{"hosts":"all"}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"batch"}}}}}'
run weir queue list -no '{queue} {limits.range.effective.nnodes} {resources.free.ncores}'
ran 0 'debug 0-1 2
batch 0-1 2
free 0-2 4' '' 'queues have hosts'
for queue in debug batch; do
	for i in 1 2 3; do
		# shellcheck disable=SC2086
		submit $queue$i -q $queue $LONG true
	done
done
is "$(weir jobs -no '{name} {nodelist}' --sort=name -f run | xargs)" \
	'batch1 n0 batch2 n0 debug1 n1 debug2 n1' 'their jobs run there'
is "$(weir jobs -no '{name}' -f sched | sort | xargs)" 'batch3 debug3' 'or wait'
refused -q debug -N2
is "$OUT" 'weir-submit: ERROR: unsatisfiable request: it does not fit on the nodes of its queue' \
	'or are refused'
# shellcheck disable=SC2086
submit wide -q free -N2 $LONG true
weir kvs put config='{
	"queues":{"debug":{"hosts":"n1"},"batch":{"hosts":"n0","policy":{"limits":{"job-size":{"min":{"ncores":2}}}}},"free":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"batch"}}},"limits":{"duration":"30m"}}}'
weir cancel --queue=debug --quiet
weir cancel --queue=batch --quiet
is "$(weir jobs -no '{nodelist}' --name=wide)" 'n[0-1]' 'a queue without has all'
weir cancel --all --quiet
# shellcheck disable=SC2086
submit b -q debug -t 1m $LONG true

# ---- restarts, bad configurations
kill_schedd KILL
start_schedd
run weir queue list -no '{queuem} {started.ascii}'
ran 0 'debug y
batch* y
free y' '' 'a restart keeps what was started'
weir cancel "$(field b id)"
wait_event clean "$(kvs_key "$(field b id)").eventlog"
weir queue stop --nocheckpoint --all --quiet
kill_schedd TERM
start_schedd
is "$(weir queue list -no '{started.ascii}' | xargs)" 'y y y' '--nocheckpoint does not last'
refused -q debug -t 2h
is "$OUT" "$limit duration (2h) exceeds policy limit of 30m for queue debug" 'limits hold'
for bad in '{"queues":{"a":{},"b":{}}}' '{"policy":{"limits":{"duration":"x"}}}' \
	'{"policy":{"limits":{"job-size":{"max":{"nnodes":"1"}}}}}' \
	'{"policy":{"jobspec":{"defaults":{"system":{"queue":"c"}}}}}' '[' '7' \
	'{"queues":{"a b":{}}}' '{"policy":{"limits":{"jobs":1}}}'; do
	# as it is, also what is no JSON
	printf %s "$bad" | weir kvs put --raw config=-
done
weir queue stop batch --quiet
is "$(weir queue list -no '{queuem}' | xargs)" 'debug batch* free' \
	'a wrong configuration changes nothing'
weir cancel --all --quiet
weir queue drain
weir kvs unlink config
# shellcheck disable=SC2086
submit last $QUICK true
wait_event clean
run weir queue list -no '{queue}|{enabled.ascii}'
ran 0 '|y' '' 'without a configuration there is the one queue again'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
grep -c 'nothing of it is used' "$WORK/stderr" >"$WORK/out"
is "$(cat "$WORK/out")" 8 'it has told what was wrong'
stop_kvsd
done_testing
