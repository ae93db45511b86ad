#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Results of waitable jobs, told once; ended jobs that go for good. weir-job(1),
# weir-config(5).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-3

waitable()
{
	weir submit --env=-* --flags=waitable "$@" true
}
fast()
{
	waitable -S exec.test.run_duration=0.001s "$@"
}

# ---- wait
none='weir-job: there are no more waitable jobs'
invalid='weir-job: invalid job id, or job may be inactive and not waitable'
run weir job wait
ran 2 '' "$none" 'nothing to wait for'
run weir job wait f123
ran 2 '' "$invalid" 'no such job'
ID=$(weir submit --env=-* -S exec.test.run_duration=1h true)
run weir job wait "$ID"
ran 2 '' "$invalid" 'a job without the flag'
weir cancel "$ID"
A=$(fast)
run weir job wait "$A"
ran 0 '' '' 'a job that succeeds'
run weir job wait "$A"
ran 2 '' "$invalid" 'a result is told once'
A=$(waitable --job-name=real)
ID=$(field real id) KEY=$(kvs_key "$(field real id)")
wait_event alloc
report 0 start '{"pid":1}'
report 0 finish '{"status":768}'
run weir job wait "$A"
ran 1 '' 'weir-job: task(s) exited with exit code 3' 'a job that fails'
A=$(waitable --job-name=real)
ID=$(field real id) KEY=$(kvs_key "$(field real id)")
wait_event alloc
report 0 start '{"pid":1}'
report 0 finish '{"status":9}'
run weir job wait
ran 1 "$A" 'weir-job: task(s) Killed' 'the next one, by a signal'
A=$(waitable --urgency=0)
weir job wait "$A" >"$WORK/waited" 2>&1 &
W=$!
note_pid $W
weir cancel -m enough "$A"
wait $W
is "$?:$(cat "$WORK/waited")" '1:weir-job: Fatal exception type=cancel enough' \
	'one that is canceled while somebody waits'
A=$(fast)
weir job wait-event -q "$A" clean
B=$(fast)
weir job wait-event -q "$B" clean
C=$(waitable --urgency=0)
weir cancel "$C"
run weir job wait
ran 0 "$A" '' 'in the order in which they ended'
run weir job wait -a -v
ran 1 '' "$B: job completed successfully
$C: Fatal exception type=cancel " 'all of them'
run weir job wait -a
ran 0 '' '' 'none is left'
A=$(fast)
B=$(fast)
weir job wait-event -q "$A" clean
weir job wait-event -q "$B" clean
run weir job wait "$B"
ran 0 '' '' 'one of two'
C=$(waitable --urgency=0 -S exec.test.run_duration=1h)
weir update "$C" duration=0.01s
kill_schedd KILL
start_schedd
run weir job wait
ran 0 "$A" '' 'after a restart the other'
weir job wait >"$WORK/waited" 2>&1 &
W=$!
note_pid $W
weir job wait >"$WORK/waited2" 2>&1 &
W2=$!
note_pid $W2
weir job urgency "$C" 16
wait $W
R=$?
wait $W2
is "$((R + $?))" 3 'two wait for one job'
is "$(sort "$WORK/waited" "$WORK/waited2")" "$(printf '%s\n' "$C" \
	'weir-job: task(s) Alarm clock' "$none" | sort)" \
	'one is told, and the other that there is no more'
run weir job wait -a "$A"
ran 1 '' 'Usage: weir job wait *' 'all or one'

# ---- timeleft of the instance
run weir job timeleft
ran 0 4294967295 '' 'the instance has no limit'
run weir job timeleft -H
ran 0 infinity '' 'also for people'

# ---- purge
total()
{
	weir jobs -anc0 -o '{id}' | wc -l
}
n=$(total)
run weir job purge
ran 0 "use --force to purge 0 of $n inactive jobs" '' 'purge without a limit'
run weir job purge --num-limit=4
ran 0 "use --force to purge $((n - 4)) of $n inactive jobs" '' 'it only tells'
run weir job purge --age-limit=1h
ran 0 "use --force to purge 0 of $n inactive jobs" '' 'none is so old'
run weir job purge --num-limit=4 -f
ran 0 "purged $((n - 4)) inactive jobs, 4 remaining" '' 'purge --num-limit'
is "$(total)" 4 'four are left'
is "$(weir jobs --stats-only)" "0 running, $(weir jobs -nf completed | wc -l) completed, $(weir jobs -nf failed,canceled,timeout | wc -l) failed, 0 pending, $((n - 4)) inactive purged" \
	'statistics count the purged'
run weir job info "$ID" jobspec
ran 1 '' '*No such job' 'their directories have gone'
run weir submit --dependency=afterany:"$ID" true
matches "$ERR" 'job not found' 'nothing can depend on them'
A=$(weir jobs -anc1 -o '{id}')
B=$(weir submit --env=-* --urgency=0 true)
run weir job purge -f "$B"
ran 1 '' '*: cannot purge active job' 'an active job stays'
run weir job purge -f f123
ran 1 '' '*: no such job' 'no such job'
run weir job purge "$A"
ran 0 'use --force to purge 1 of 4 inactive jobs' '' 'by id'
run weir job purge -f "$A"
ran 0 'purged 1 inactive jobs, 3 remaining' '' 'by id, with force'
run weir jobs -n "$A"
ran 1 '' "JobID $A unknown" 'it has gone'
run weir job purge -f --age-limit=0s
ran 0 'purged 3 inactive jobs, 0 remaining' '' 'purge --age-limit'
run weir job purge -f --age-limit=x
ran 1 '' 'weir-job: ERROR: *' 'no duration'
run weir job purge --num-limit=x
ran 1 '' "*'x' is no number*" 'no number'

# ---- by itself
weir kvs put config='{"job-manager":{"inactive-num-limit":2}}'
weir submit --env=-* --quiet --cc=1-5 -S exec.test.run_duration=0.001s true
weir queue idle --quiet
is "$(total)" 3 'the configuration limits what is kept'
is "$(weir jobs -no '{id}' -f pending)" "$B" 'of ended jobs'
is "$(weir kvs ls -R job | grep -c eventlog)" 3 'so do their directories'
weir kvs put config='{"job-manager":{"inactive-num-limit":1}}'
weir submit --env=-* --quiet -S exec.test.run_duration=0.001s true
weir queue idle --quiet
is "$(total)" 2 'a change is in force at once'
weir kvs unlink config
weir cancel "$B"
kill_schedd KILL
start_schedd
is "$(weir jobs -anc1 -o '{id}')" "$B" 'a restart finds what is left'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
