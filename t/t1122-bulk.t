#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many jobs at once: weir cancel by selection, weir pgrep and pkill, weir job
# raiseall and killall. weir-cancel(1), weir-pgrep(1), weir-job(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-1
weir kvs put config='{"queues":{"a":{},"b":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"a"}}}}}'
weir queue start --quiet --all

make()
{
	make_name=$1
	shift
	weir submit --env=-* --job-name="$make_name" \
		-S exec.test.run_duration=1h "$@" true
}
left()
{
	weir jobs -no '{name}' | sort | xargs
}

# ---- pgrep
A1=$(make alpha)
A2=$(make alphabet)
B1=$(make beta)
B2=$(make beta2 -q b)
C=$(make 'a..z')
run weir pgrep alpha
ran 0 "$A2
$A1" '' 'pgrep by a part of the name'
run weir pgrep '^alpha$'
ran 0 "$A1" '' 'by the whole name'
run weir pgrep 'bet' -f sched
ran 0 "$B1
$B2" '' 'by state'
run weir pgrep -q b .
ran 0 "$B2" '' 'by queue'
run weir pgrep "$A2..$B1"
ran 0 "$B1
$A2" '' 'by a range of ids'
run weir pgrep "$A2.." beta
ran 0 "$B1
$B2" '' 'by both'
run weir pgrep "..$A1"
ran 0 "$A1" '' 'an open range'
run weir pgrep 'name:a..z'
ran 0 "$C" '' 'a name that looks like one'
run weir pgrep -c1 .
is "$(echo "$OUT" | wc -l)" 1 '--count'
run weir pgrep -o '{name:<6}|{state}' 'beta$'
ran 0 'NAME  |STATE
beta  |SCHED' '' '--format'
run weir pgrep -n -o '{name}' 'beta$'
ran 0 beta '' '--no-header'
run weir pgrep nothing
ran 1 '' '' 'nothing matches'
run weir pgrep -u 65533 .
ran 1 '' '' 'nobody has jobs'
run weir pgrep '['
ran 2 '' 'weir-pgrep: ERROR: expression error: *' 'a wrong expression'
run weir pgrep
ran 2 '' '*a pattern or ID1..ID2 is needed*' 'no expression'
run weir pgrep -w x
ran 2 '' "*unrecognized option '-w'*" 'an option of pkill'

# ---- pkill
run weir pkill -w '^alpha$'
ran 0 '' 'weir-pkill: INFO: Canceled 1 job (0 errors)' 'pkill'
is "$(weir jobs -ano '{status}' "$A1")" CANCELED '--wait: it has ended'
is "$(left)" 'a..z alphabet beta beta2' 'the others have not'
run weir pgrep -a '^alpha$'
ran 0 "$A1" '' 'pgrep -a finds it'
run weir pkill '^alpha$'
ran 1 '' '' 'pkill does not'

# ---- cancel by selection
run weir cancel -n --name='beta*'
ran 0 '' 'weir-cancel: Would cancel 2 jobs' 'cancel --name --dry-run'
is "$(left)" 'a..z alphabet beta beta2' 'does nothing'
run weir cancel --queue=b
ran 0 '' 'weir-cancel: Canceled 1 job (0 errors)' 'cancel --queue'
run weir cancel --queue=d
ran 1 '' "weir-cancel: ERROR: 'd' is not a valid queue" 'an unknown queue'
run weir cancel --name='beta*' -m tired
ran 0 '' 'weir-cancel: Canceled 1 job (0 errors)' 'cancel --name'
is "$(weir jobs -ano '{inactive_reason}' "$B1")" 'Canceled: tired' 'with a note'
run weir cancel --all --states=depend
ran 0 '' 'weir-cancel: Matched 0 jobs' 'cancel --states'
run weir cancel "$A2" --all
ran 2 '' '*exclude each other*' 'ids and a selection'
run weir cancel --all
ran 0 '' 'weir-cancel: Canceled 2 jobs (0 errors)' 'cancel --all'
is "$(left)" '' 'all have gone'

# ---- raiseall, killall
X=$(make one)
make two --urgency=0 >"$WORK/out"
run weir job raiseall note some words
ran 0 '' 'weir-job: Command matched 2 jobs (-f to confirm)' 'raiseall only tells'
run weir job raiseall -f note some words
ran 0 '' 'weir-job: Raised exception on 2 jobs (0 errors)' 'raiseall -f'
matches "$(weir job eventlog "$X")" 'exception type="note" severity=7 note="some words"' \
	'of severity 7'
run weir job raiseall -s0 -S run -f cancel
ran 0 '' 'weir-job: Raised exception on 1 jobs (0 errors)' 'by state, fatal'
run weir job raiseall -f 'two words'
ran 1 '' '*type: must be a word*' 'a wrong type'
run weir job killall
ran 0 '' 'weir-job: Command matched 0 jobs (-f to confirm)' 'killall: nothing runs'
submit real true
wait_event alloc
run weir job killall -s USR1
ran 0 '' 'weir-job: Command matched 1 jobs (-f to confirm)' 'killall only tells'
run weir job killall -f
ran 0 '' 'weir-job: Terminated 1 jobs (0 errors)' 'killall -f'
matches "$("$weir" kvs eventlog get -u "exec.0.$ID.order")" \
	'"signal","context":\{"signum":15\}' 'signals it'
run weir job killall -s USR9
ran 1 '' 'weir-job: killall: Invalid signal USR9' 'no signal'
report 0 finish '{"status":0}'
wait_event clean

# ---- thousands, while others are served
weir queue stop --all --quiet
weir submit --env=-* --quiet --cc=1-3000 -S exec.test.run_duration=1h true
is "$(weir jobs -Anc0 -o '{id}' | wc -l)" 3001 '3000 more jobs wait'
weir cancel --all >"$WORK/all" 2>&1 &
CANCEL=$!
note_pid $CANCEL
run weir submit --env=-* --job-name=meanwhile true
is "$STATUS" 0 'another job can be submitted meanwhile'
wait $CANCEL
matches "$(cat "$WORK/all")" '^weir-cancel: Canceled 300[12] jobs \(0 errors\)$' \
	'all are canceled'
weir cancel --all --quiet
weir queue drain --timeout=30s
ok $? 'and have ended'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
