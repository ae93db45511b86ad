#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each daemon in turn is killed under running and queued jobs: none is lost,
# none runs twice, output and exit codes arrive. weir-start(1), weir-jobs(7).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

start_instance -s2 --statedir="$WORK/state" ||
	{ ok 1 'an instance starts'; done_testing; }
mkfifo "$WORK/gate"
exec 4<>"$WORK/gate"

# gated WORD: a job that notes WORD, says so, and goes on when the gate lets
# one through.
gated='echo "$0" >>"$1/ran"; echo "before $0"; read -r line <"$1/gate"
	echo "after $0"; exit 3'

# started ID: when it has.
started()
{
	weir job wait-event -q -t 20 "$1" start
}

for daemon in kvsd schedd execd-0 execd-1; do
	weir run sh -c "$gated" "run-$daemon" "$WORK" >"$WORK/run" \
		2>"$WORK/run.errors" &
	runner=$!
	note_pid $runner
	held=$(weir submit sh -c "$gated" "held-$daemon" "$WORK")
	started "$held"
	ok $? "$daemon: a job has started"
	until grep -q before "$WORK/run"; do
		weir kvs put turn=1	# what else is there to wait for
	done
	old=$(daemon_pid $daemon)
	kill -9 "$old"
	late=$(weir submit sh -c 'echo "$0" >>"$1/ran"' "late-$daemon" "$WORK")
	ok $? "$daemon is killed, and a job submitted"
	run weir job wait-event -t 20 "$late" clean
	matches "$STATUS $OUT" '^0 .* clean$' "$daemon: that job runs"
	new=$(daemon_pid $daemon)
	[ "$old" != "$new" ]
	ok $? "$daemon was started again"
	printf 'go\ngo\n' >&4
	wait $runner
	is $? 3 "$daemon: exit code of weir run"
	forget_pid $runner
	is "$(cat "$WORK/run")" "before run-$daemon
after run-$daemon" "$daemon: its output"
	run weir job attach "$held"
	is "$STATUS $OUT" "3 before held-$daemon
after held-$daemon" "$daemon: the other job's exit code and output"
	run weir job eventlog "$held"
	is "$(echo "$OUT" | awk '{ print $2 }' | tr '\n' ' ')" \
		'submit validate depend priority alloc start finish release free clean ' \
		"$daemon: its events, once each"
	is "$(sort "$WORK/ran")" "held-$daemon
late-$daemon
run-$daemon" "$daemon: each ran once"
	rm -f "$WORK/ran"
done

# Many short jobs while daemons come and go.
# All are submitted before the first is killed: of a submission that was under
# way the outcome would not be known.
weir submit --cc=1-100 --wait \
	sh -c 'echo {cc} >>"$0/ran"' "$WORK" >"$WORK/ids" 2>"$WORK/err" &
burst=$!
note_pid $burst
until [ "$(wc -l <"$WORK/ids")" -eq 100 ]; do weir kvs put turn=1; done
for daemon in schedd execd-1 kvsd execd-0 schedd; do
	until [ -s "$WORK/ran" ]; do weir kvs put turn=1; done
	count=$(wc -l <"$WORK/ran")
	kill -9 "$(daemon_pid $daemon)"
	# until another has run, so that it is up again
	until [ "$(wc -l <"$WORK/ran")" -gt "$count" ] ||
		! kill -0 $burst 2>/dev/null; do
		weir kvs put turn=1 2>/dev/null
	done
done
wait $burst
is $? 0 'a burst: all succeed' || diag "$(cat "$WORK/err")"
forget_pid $burst
is "$(sort -n "$WORK/ran" | uniq -c | awk '{ print $1 }' | uniq -c |
	awk '{ print $1 " " $2 }')" '100 1' 'a burst: each ran once'

# The whole instance: what was acknowledged is there, what ran is ended.
held=$(weir submit sh -c "$gated" held-all "$WORK")
started "$held"
weir kvs put acknowledged=yes
kill -9 "$INSTANCE_PID"
wait_instance
is "$INSTANCE_STATUS" 137 'weir start is killed'
flock "$WORK/state/lock" true	# until its kvsd has ended
start_instance -s2 --statedir="$WORK/state"
ok $? 'and started again in the same state folder'
run weir kvs get acknowledged
ran 0 yes '' 'a commit is there'
run weir job wait-event -t 20 "$held" clean
is "$STATUS" 0 'the job that ran has come to its end'
run weir job eventlog "$held"
is "$(echo "$OUT" | grep -c ' exception ')" 1 'by an exception, once'
run weir run echo again
ran 0 again '' 'jobs run'
stop_instance
is "$INSTANCE_STATUS" 0 'the end'
done_testing
