#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# execd and its job shells: how a task is started, what it sees, its standard
# streams, how it ends.
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

EXECD=$builddir/execd/execd
W=$WORK

# ---- the command line
run "$EXECD" --rank=0
like "$STATUS $ERR" '1 *--uri and --rundir are needed*' 'where kvsd is must be told'
run "$EXECD" --rank=99999999 --uri=local:///x --rundir="$W"
like "$STATUS $ERR" '1 *--rank=N is needed, from 0 to*' 'a rank has its bounds'
run "$EXECD" -n --rank=0 --uri=local:///x --rundir="$W"
matches "$STATUS $OUT" '^0 .+: [0-9]+ cores$' '-n tells what it finds'
run "$EXECD" --rank=0 --uri=local://"$W"/none --rundir="$W/none"
like "$STATUS $ERR" "1 *$W/none/execd-0.lock: No such file*" 'the run folder must be there'
long=$W/$(printf '%0100d' 0)
mkdir "$long"
run "$EXECD" --rank=0 --uri=local://"$W"/none --rundir="$long"
like "$STATUS $ERR" '1 *longer than*' 'and its path be short enough for a socket'

start_instance
ok $? 'an instance starts' || done_testing
RUNDIR=$(weir kvs get instance.rundir)
AGENT=$(daemon_pid execd-0)

run "$EXECD" --rank=0 --uri="$WEIR_URI" --rundir="$RUNDIR"
like "$STATUS $ERR" '1 *another execd of rank 0 runs' 'a rank has one agent'
run "$builddir/t/tool/call" execd-0.ping '{"a":1}'
ran 0 '{"a":1}' '' 'it answers a ping'
run "$builddir/t/tool/call" execd-0.dance '{}'
ran 1 '' 'ENOSYS: no method*' 'and nothing else'

# ---- its node
matches "$(weir kvs get node.0.info)" "\"cores\":\"0.*\"pid\":$AGENT," 'node.0.info says what it found'
matches "$(weir kvs get node.0.topology)" '<topology' 'node.0.topology is XML of hwloc'

# ---- environment
run weir run --env=-'*' --env=A=b sh -c 'echo $A,$HOME,$WEIR_JOB_SIZE,$WEIR_JOB_NNODES,$WEIR_TASK_RANK,$WEIR_TASK_LOCAL_ID,$CUDA_VISIBLE_DEVICES'
ran 0 'b,,1,1,0,0,-1' '' 'a task sees what was asked for, and where it is'
run weir run sh -c 'test "$WEIR_URI" = "$1" && weir=$2 && $weir kvs put seen=yes && $weir kvs get seen && $weir job id --to=kvs "$WEIR_JOB_ID"' \
	sh "$WEIR_URI" "$builddir/cmd/weir"
matches "$STATUS $OUT" '^0 yes' 'weir works within a job, in its own namespace'
matches "$OUT" '^job\.[0-9a-f.]{19}$' 'WEIR_JOB_ID is a job id'
run weir kvs get seen
ran 1 '' '*' 'which is not that of the instance'
run weir run sh -c 'echo "$WEIR_JOB_TMPDIR"; test -d "$WEIR_JOB_TMPDIR" && : >"$WEIR_JOB_TMPDIR/file"'
like "$STATUS $OUT" "0 $RUNDIR/*" 'a job has a folder'
# its removal is the last thing a shell does, and nobody is told
tries=0
while [ -e "$OUT" ] && [ $tries -lt 2000 ]; do
	tries=$((tries + 1))
	weir kvs put turn=1
done
ok "$([ -e "$OUT" ]; echo $((! $?)))" 'that goes with it, full or not'

# ---- binding, limits, signals, descriptors
run weir run -c1 cat /proc/self/status
matches "$OUT" '^Cpus_allowed_list:	[0-9]+$' 'a task is bound to its core'
# 32 and 33 are the C library's own
matches "$OUT" '^SigIgn:	0{7}[01][08]0{7}$' 'no signal is ignored'
matches "$OUT" '^SigBlk:	0+$' 'or blocked'
run weir run -o cpu-affinity=off grep Cpus_allowed_list /proc/self/status
is "$OUT" "$(grep Cpus_allowed_list /proc/self/status)" 'binding can be off'
# 0, 1, 2, and the listing itself; "total" is a line too
run weir run sh -c 'ls -l /proc/self/fd | wc -l'
ran 0 5 '' 'a task holds its standard streams, no other descriptor'
run weir run --rlimit=nofile=77 sh -c 'ulimit -n'
ran 0 77 '' 'limits are set'

# ---- how it ends
run weir run sh -c 'exit 3'
ran 3 '' '*exit code 3' 'an exit code comes back'
run weir run sh -c 'kill -9 $$'
ran 137 '' '*Killed*' 'so does a signal'
run weir run nosuchcmd
ran 127 '' "*task 0 (host $(hostname)): start failed: nosuchcmd: No such file or directory*" '127: no such command'
run weir run "$W"
ran 126 '' "*start failed: $W: Permission denied*" '126: it cannot be run'
run weir run --cwd="$W/none" true
ran 1 '' "*start failed: $W/none: No such file or directory*" 'the folder must be there'
run weir run --cwd="$W" pwd
ran 0 "$W" '' 'and is where the task runs'
run weir run -n2 sh -c 'exit $((WEIR_TASK_RANK + 4))'
ran 5 '' '*' 'the greatest status counts'

# ---- standard streams
run weir run sh -c 'echo out; echo err >&2; printf partial'
ran 0 'out
partial' err 'output and errors are apart, a last line needs no end'
printf 'one\ntwo' >"$W/in"
weir run cat <"$W/in" >"$W/out"
ok "$(cmp -s "$W/in" "$W/out"; echo $?)" 'input goes to the first task'
weir run -n2 sh -c 'echo "$WEIR_TASK_RANK: $(cat)"' <"$W/in" | sort >"$W/out"
is "$(cat "$W/out")" '0: one
1: 
two' 'and to it alone'
head -c 3000000 /dev/urandom >"$W/in"
weir run cat <"$W/in" >"$W/out"
ok "$(cmp -s "$W/in" "$W/out"; echo $?)" '3 MB there and back'
weir run head -c 1 <"$W/in" >"$W/out"
is "$? $(wc -c <"$W/out")" '0 1' 'a task may leave its input unread'
run weir run sh -c 'head -c 67108864 /dev/zero; grep VmHWM /proc/$PPID/status >&2'
is "$(wc -c <"$W/run.out")" 67108864 '64 MiB of output'
shell=$(echo "$ERR" | tr -dc 0-9)
agent=$(grep VmHWM "/proc/$AGENT/status" | tr -dc 0-9)
if grep -q __asan_init "$EXECD"; then
	skip 'flat memory' 'a sanitizer keeps what was freed'
else
	diag "shell $shell kB, agent $agent kB"
	ok "$([ "$shell" -lt 32000 ]; echo $?)" 'for which the shell needs little memory'
	ok "$([ "$agent" -lt 32000 ]; echo $?)" 'and the agent, too'
fi

# ---- a process that a task leaves behind
mkfifo "$W/hold" "$W/told"
run weir run sh -c 'echo first; (read -r x <"$1"; echo late) & exit 0' sh "$W/hold"
ran 0 first '*still holds its output*' 'it does not keep the job from ending'
echo go >"$W/hold"

# ---- signals
ID=$(weir submit sh -c 'trap "echo caught; exit 9" USR1; echo up >"$1"
	while :; do read -r x <"$2"; done' sh "$W/told" "$W/hold")
read -r up <"$W/told"
weir job wait-event -q "$ID" start
weir job kill -s USR1 "$ID"
run weir job attach "$ID"
ran 9 caught '*' 'a signal is delivered'
ID=$(weir submit sleep 1000)
weir job wait-event -q "$ID" start
weir job kill -s KILL "$ID"
run weir job attach "$ID"
like "$STATUS $ERR" '137 *' 'SIGKILL ends it'
ID=$(weir submit sleep 1000)
weir job wait-event -q "$ID" start
weir cancel "$ID"
run weir job attach "$ID"
like "$STATUS $ERR" '143 *type=cancel*' 'so does cancel'

stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
ok "$([ -e "$RUNDIR" ]; echo $((! $?)))" 'and leaves no folder'
done_testing
