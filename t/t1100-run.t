#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir run, weir submit and weir job attach: output, input, exit codes,
# signals. weir-submit(1), weir-job(1).
# shellcheck disable=SC2016,SC2119
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }

# attach_bg FILE COMMAND...: in the background with signals as a shell has
# them; waits until FILE, a fifo, has a line. Sets ATTACH_PID.
attach_bg()
{
	attach_fifo=$1
	shift
	mkfifo "$attach_fifo"
	env --default-signal=INT,TSTP "$builddir/cmd/weir" "$@" \
		>"$WORK/bg.out" 2>"$WORK/bg.err" </dev/null &
	ATTACH_PID=$!
	note_pid "$ATTACH_PID"
	read -r READY <"$attach_fifo"
}

attach_end()
{
	wait "$ATTACH_PID"
	STATUS=$?
	forget_pid "$ATTACH_PID"
	ERR=$(cat "$WORK/bg.err")
}

# ---- exit codes and what is said of them ----

run weir run true
ran 0 '' '' 'a job that succeeds'
run weir run sh -c 'exit 3'
ran 3 '' 'weir-job: task(s) exited with exit code 3' 'one that fails'
run weir run nosuchcmd
ran 127 '' '*job.exception f* type=exec severity=0 task 0 *: start failed: nosuchcmd: No such file or directory
weir-job: task(s) exited with exit code 127' 'a command that does not exist'
run weir run /tmp
ran 126 '' '*/tmp: Permission denied
weir-job: task(s) exited with exit code 126' 'one that is not executable'
# shellcheck disable=SC2016
run weir run sh -c 'kill -9 $$'
ran 137 '' 'weir-job: task(s) Killed' 'one that dies by a signal'
run weir run -t 0.2s sleep 60
ran 142 '' '*s: job.exception f* type=timeout severity=0 resource allocation expired
weir-job: task(s) Alarm clock' 'one that exceeds its time limit'
# shellcheck disable=SC2016
run weir run -n2 sh -c 'exit $WEIR_TASK_RANK'
ran 1 '' '*exit code 1' 'the greatest of two'

# ---- standard output, error and input ----

run weir run sh -c 'echo out; echo err >&2'
ran 0 out err 'both streams'
run weir run printf 'no end'
ran 0 'no end' '' 'a line without its end'
run weir run -n2 -l sh -c 'printf "%s\nlast" $WEIR_TASK_RANK'
is "$(echo "$OUT" | sort)" '0: 0
0: last
1: 1
1: last' 'labels, also of a line without its end'
head -c 3000000 /dev/urandom >"$WORK/blob"
weir run cat "$WORK/blob" >"$WORK/copy"
cmp "$WORK/blob" "$WORK/copy"
ok $? '3 MB of any bytes come back as they are'
weir run cat <"$WORK/blob" >"$WORK/copy"
cmp "$WORK/blob" "$WORK/copy"
ok $? 'so does standard input'
run weir run cat </dev/null
ran 0 '' '' 'an empty input ends'
run weir run cat <&-
ran 0 '' '' 'a closed one, too'

# ---- verbose, events ----

run weir run -v true
ran 0 '' 'jobid: f*' 'run -v'
run weir run -vv true
matches "$ERR" '^[0-9.]+s: job\.priority \{"priority":16\}$' 'run -vv: events'
like "$ERR" '*job.clean' 'to the last'
run weir run --wait-event=nosuch true
ran 0 '' '' 'run --wait-event: an event that never comes'

# ---- refused ----

run weir run
ran 1 '' 'weir-run: ERROR: job command and arguments are missing' 'no command'
run weir run --nope true
ran 2 '' "weir-run: unrecognized option '--nope'*" 'an unknown option'
run weir run -n0 true
like "$ERR" "*--ntasks: '0'*" 'no task'
run weir run -N2 -n1 true
ran 1 '' '*node count must not be greater than task count' 'more nodes than tasks'
run weir run -x true
ran 1 '' '*exclusive can only be set with a node count' '-x without -N'
run weir run -t xx true
like "$ERR" "*invalid duration 'xx'*" 'a malformed time limit'
run weir run --urgency=32 true
like "$ERR" '*urgency range is \[0:31\]*' 'an urgency beyond the range'
run weir run -n100000 true
ran 1 '' '*unsatisfiable request: 100000 *' 'more than the instance has'
run weir run --cwd=nowhere true
[ "$STATUS" -ne 0 ]
ok $? 'a folder that is not absolute'

# ---- the request ----

run weir run --dry-run -n2 -c1 -t 5m '--env=-*' '--rlimit=-*' --cwd=/ true
ran 0 '{"resources": [{"type": "slot", "count": 2, "with": [{"type": "core", "count": 1}], "label": "task"}], "tasks": [{"command": ["true"], "slot": "task", "count": {"per_slot": 1}}], "attributes": {"system": {"duration": 300.0, "environment": {}, "cwd": "/"}}, "version": 1}' '' 'run --dry-run'
run weir run --dry-run -t 1 -o verbose -o a.b=2 -S foo=bar -S .x=1 --job-name=n \
	'--env=-*' --env=A=1 '--env=B=$A-$$' --rlimit='-*,nofile=64' true
for part in '"duration": 60.0' '"verbose": 1, "a": {"b": 2}' '"foo": "bar"' \
	'"x": 1' '"name": "n"' '"A": "1", "B": "1-\$"' '"rlimit": {"nofile": 64}'; do
	like "$OUT" "*$part*" "$part"
done
run weir run --dry-run '--env=A=$NOT_THERE' true
[ "$STATUS" -ne 0 ] && [ -n "$ERR" ]
ok $? 'an unset variable in a rule'
run weir run --dry-run --rlimit=nosuch=1 true
[ "$STATUS" -ne 0 ] && [ -n "$ERR" ]
ok $? 'an unknown limit'
run weir run '--env=-*' --env=HELLO=there --env=PATH /bin/sh -c 'echo $HELLO'
ran 0 there '' 'variables reach the task'

# ---- submit ----

run weir submit true
matches "$OUT" '^f[1-9A-Za-z]+$' 'submit prints the id'
run weir submit --quiet true
ran 0 '' '' 'submit --quiet'
run weir submit --cc=1-3 --watch -l echo 'copy {cc}'
is "$(echo "$OUT" | sed -n 's/^f[^:]*: //p' | sort)" '0: copy 1
0: copy 2
0: copy 3' 'submit --cc --watch -l: labelled by job and task'
run weir submit --cc=1-2 --quiet --watch sh -c 'echo $WEIR_JOB_CC'
is "$(echo "$OUT" | sort | tr '\n' ' ')" '1 2 ' '--cc sets WEIR_JOB_CC'
run weir submit --bcc=1-2 --quiet --watch sh -c 'echo "{cc}$WEIR_JOB_CC"'
is "$(echo "$OUT" | sort | tr '\n' ' ')" '1 2 ' '--bcc does not'
run weir submit --quiet --cc=0-4 --wait sh -c 'exit {cc}'
is "$STATUS" 4 'submit --wait: the greatest exit code'
run weir submit --cc=1-100 --wait true
is "$STATUS $(echo "$OUT" | sort -u | wc -l)" '0 100' '100 copies'
run weir submit --cc=1-2 -n100000 true
is "$STATUS" 1 'copies that are refused'
run weir submit --cc=x true
[ "$STATUS" -ne 0 ]
ok $? 'a malformed set of copies'
run weir submit --quiet --wait-event=start sleep 0.1
ran 0 '' '' 'submit --wait-event'

# ---- attach ----

id=$(weir submit sh -c 'echo hello; echo oops >&2; exit 2')
run weir job attach "$id"
ran 2 hello 'oops
weir-job: task(s) exited with exit code 2' 'attach'
run weir job attach -lq "$id"
ran 2 '0: hello' '0: oops' 'attach --label-io --quiet, once more'
run weir job attach -E "$id"
matches "$ERR" '^0\.000s: job\.submit ' 'attach --show-events'
run weir job attach 12345
ran 1 '' 'weir-job: Failed to attach to f4fr: No such job' 'no such job'
run weir job attach bogus!
ran 1 '' 'weir-job: bogus!: malformed input' 'no id'
id=$(weir submit --urgency=hold true)
weir job raise -m 'why not' "$id"
run weir job attach "$id"
ran 1 '' '*s: job.exception f* type=cancel severity=0 why not' \
	'canceled before it started'

# ---- signals ----

attach_bg "$WORK/f1" run sh -c "echo up >$WORK/f1; sleep 60 & wait"
kill -TERM "$ATTACH_PID"
attach_end
is "$STATUS" 143 'SIGTERM goes to the tasks'
like "$ERR" '*task(s) Terminated' 'and is told'

# shellcheck disable=SC2016
attach_bg "$WORK/f2" run sh -c 'trap "exit 7" USR1; echo up >"$1"
	while :; do sleep 0.02; done' sh "$WORK/f2"
kill -USR1 "$ATTACH_PID"
attach_end
is "$STATUS" 7 'so does SIGUSR1'

mkfifo "$WORK/said"
id=$(weir submit sleep 60)
weir job wait-event -q "$id" start
env --default-signal=INT,TSTP "$builddir/cmd/weir" job attach -E "$id" \
	2>"$WORK/said" </dev/null &
ATTACH_PID=$!
note_pid "$ATTACH_PID"
exec 5<"$WORK/said"
line=
while [ "${line%job.start}" = "$line" ]; do	# then it catches signals
	read -r line <&5 || break
done
kill -INT "$ATTACH_PID"
read -r line <&5
like "$line" '*ctrl-C again within 2 seconds cancels*' 'one Ctrl-C asks'
kill -INT "$ATTACH_PID"
attach_end
is "$STATUS" 143 'two cancel the job'
exec 5<&-
run weir job info "$id" eventlog
like "$OUT" '*"type":"cancel","severity":0,"note":"interrupted by ctrl-C"*' \
	'with a note'

id=$(weir submit sleep 60)
weir job wait-event -q "$id" start
env --default-signal=INT,TSTP "$builddir/cmd/weir" job attach -E "$id" \
	2>"$WORK/said" </dev/null &
ATTACH_PID=$!
note_pid "$ATTACH_PID"
exec 5<"$WORK/said"
line=
while [ "${line%job.start}" = "$line" ]; do
	read -r line <&5 || break
done
kill -INT "$ATTACH_PID"
read -r line <&5
kill -TSTP "$ATTACH_PID"
read -r line <&5
is "$line" 'weir-job: leaving the job' 'Ctrl-C, Ctrl-Z leaves it'
rest=$(cat <&5)
attach_end
is "$STATUS $(weir jobs -no '{state}' "$id")$rest" '0 RUN' 'and it runs on'
exec 5<&-
weir cancel "$id"

# ---- on a terminal ----

id=$(weir submit --urgency=hold true)
if command -v script >/dev/null; then
	script -qec "$builddir/cmd/weir job attach $id" /dev/null \
		>"$WORK/said" </dev/null &
	ATTACH_PID=$!
	note_pid "$ATTACH_PID"
	exec 5<"$WORK/said"
	waiting=$(head -c 60 <&5)
	weir cancel "$id"
	cat <&5 >"$WORK/rest"
	attach_end
	like "$waiting" "*weir-job: $id waiting for resources *" \
		'what is waited for is shown'
	is "$STATUS" 1 'until it is canceled'
	exec 5<&-
else
	skip 'what is waited for is shown' 'script(1) is not there'
	weir cancel "$id"
fi

# ---- over restarts ----

attach_bg "$WORK/f3" run sh -c "echo up >$WORK/f3; sleep 0.3; echo done; exit 5"
kill -9 "$(daemon_pid schedd)"
attach_end
is "$STATUS $(cat "$WORK/bg.out")" '5 done' 'schedd is killed while a job runs'

for daemon in kvsd execd-0; do
	rm -f "$WORK/f3"
	attach_bg "$WORK/f3" run sh -c \
		"echo up >$WORK/f3; sleep 0.3; echo done; exit 5"
	kill -9 "$(daemon_pid $daemon)"
	attach_end
	is "$STATUS $(cat "$WORK/bg.out")" '5 done' "so is $daemon"
done

stop_instance
done_testing
