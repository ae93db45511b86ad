#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir update, and what weir job info shows then. weir-update(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0
weir kvs put config='{"queues":{"a":{},"b":{"policy":{"limits":
	{"job-size":{"max":{"ncores":1}},"duration":"1h"}}},"c":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"a"}}}}}'
weir queue start --quiet a c
MOCK='-S exec.test.run_duration'

show()
{
	weir jobs -ano '{name} {queue} {duration!F}' "$ID"
}

# ---- a pending job
submit held --urgency=0 $MOCK=1h -t 10m true
run weir update -n "$ID" duration=1h name=new queue=c
ran 0 '{"attributes.system.duration": 3600.0, "attributes.system.job.name": "new", "attributes.system.queue": "c"}' \
	'' 'update --dry-run'
is "$(show)" 'held a 10m' 'changes nothing'
run weir update "$ID" duration=+20m name=new queue=c user.x=1
ran 1 '' 'weir-update: ERROR: update of attributes.system.user.x not supported' \
	'an unknown attribute'
is "$(show)" 'held a 10m' 'changes nothing either'
run weir update -v "$ID" duration=+20m
ran 0 '' 'weir-update: INFO: updated attributes.system.duration to 1800.0' 'duration=+'
run weir update "$ID" duration=-5m name=new queue=c attributes.user.x='{"y":1}'
ran 0 '' '' 'several at once'
is "$(show)" 'new c 25m' 'all of it is in force'
is "$(events "$KEY")" 'submit validate depend priority jobspec-update jobspec-update' \
	'an event each time'
matches "$("$weir" kvs eventlog get -u "$KEY.eventlog")" \
	'"jobspec-update","context":\{"attributes.system.duration":1800.0\}' 'says what'
matches "$(weir job info "$ID" jobspec)" '"duration":1500.0,' 'job info applies it'
matches "$(weir job info "$ID" jobspec)" '"user":\{"x":\{"y":1\}\}' 'also below user'
matches "$(weir job info -b "$ID" jobspec)" '"duration":600.0,' 'job info --base does not'
matches "$(weir job info -o "$ID" jobspec)" '"duration": ?600.0,' 'nor --original'
run weir job info -o "$ID" jobspec
case $OUT in *'"queue"'*) ok 1 'which has no defaults';; *) ok 0 'which has no defaults';; esac
kill_schedd KILL
start_schedd
is "$(show)" 'new c 25m' 'a restart keeps it'
run weir update "$ID" duration=-1d
ran 1 '' "weir-update: ERROR: duration: '-1d' would leave no time" 'too little'
run weir update "$ID" duration=soon
ran 1 '' 'weir-update: ERROR: duration: *' 'no duration'
run weir update "$ID" queue=d
ran 1 '' "weir-update: ERROR: Invalid queue 'd' specified" 'no queue'
run weir update "$ID" name=
ran 1 '' 'weir-update: ERROR: name must be a string of 1 to 1024 bytes' 'no name'
run weir update "$ID" duration=inf
is "$(show)" 'new c 0s' 'no limit'
run weir update "$ID" duration=+1m
ran 1 '' 'weir-update: ERROR: the job has no time limit*' 'which cannot be added to'
run weir update f123 duration=1
ran 1 '' 'weir-update: ERROR: unknown job id' 'no such job'
run weir update "$ID"
ran 2 '' '*a job id and KEY=VALUE are needed*' 'no change'
run weir update "$ID" duration
ran 2 '' "*'duration' is not KEY=VALUE*" 'no value'
run weir update 'x!' a=b
ran 2 '' "*invalid JobID value: 'x!'*" 'no id'

# ---- a queue that is stopped, then another
weir job urgency "$ID" 16
submit next $MOCK=1h true
run weir update "$ID" queue=b
ran 0 '' '' 'into a stopped queue'
is "$(field next state) $(field next queue) $(field new state)" '8 b 16' \
	'a job waits there'

# ---- a running job
kill_schedd TERM
start_schedd
ID=$(field new id) KEY=$(kvs_key "$(field new id)")
run weir update "$ID" name=x
ran 1 '' 'weir-update: ERROR: update of attributes.system.job.name for running job not supported' \
	'a running job keeps its name'
run weir update "$ID" duration=1h
ran 0 '' '' 'its time limit can change'
wait_event resource-update
matches "$("$weir" kvs eventlog get -u "$KEY.eventlog")" \
	'"resource-update","context":\{"expiration":[0-9.]+\}' 'that moves its end'
left=$(weir job timeleft "$ID")
[ "$left" -gt 3000 ] && [ "$left" -le 3600 ]
ok $? 'timeleft knows'
matches "$(weir job info "$ID" R)" '"expiration":[0-9.]+' 'so does R'
kill_schedd KILL
start_schedd
left=$(weir job timeleft "$ID")
[ "$left" -gt 3000 ] && [ "$left" -le 3600 ]
ok $? 'also after a restart'
run weir update "$ID" duration=0.001s
ran 1 '' 'weir-update: ERROR: requested duration places job expiration in the past' \
	'no end in the past'
run weir update "$ID" duration=inf
is "$(weir job timeleft "$ID")" 4294967295 'no limit any more'
weir cancel "$ID"
wait_event clean
run weir update "$ID" duration=1
ran 1 '' 'weir-update: ERROR: job is inactive' 'an ended job'
ID=$(field next id) KEY=$(kvs_key "$(field next id)")
weir queue start --quiet b
wait_event alloc
started=$(field next t_run)
elapsed=$(echo "$(date +%s) - ${started%.*} + 2" | bc)
weir update "$ID" duration="$elapsed"
wait_event clean
is "$(weir jobs -ano '{result}' "$ID")" TIMEOUT 'the new limit ends a job'

# ---- the order of a queue follows
weir queue stop c --quiet
submit busy $MOCK=1h true
BUSY=$ID
submit later $MOCK=1h true
LATER=$ID
submit elsewhere -q c $MOCK=1h true
weir update "$ID" queue=a
is "$(field elsewhere queue) $(field elsewhere state)" 'a 8' 'a job changes its queue'
weir job urgency "$ID" 17
weir cancel "$BUSY"
wait_event alloc
is "$(weir jobs -no '{name}' -f run)" elsewhere 'and has its place there'
weir cancel "$LATER"

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
