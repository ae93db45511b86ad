#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# execd killed at each stage of a job, or its shell: no job runs twice, none is
# lost, and its output has every byte once. What is common to all daemons is in
# t1200-restart.t. execd(8).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

W=$WORK
LIMIT=60
start_instance
ok $? 'an instance starts' || done_testing
mkfifo "$W/a" "$W/b" "$W/watch"
exec 4<>"$W/a" 5<>"$W/b"

# The pid of the agent that is registered now.
agent_pid()
{
	weir kvs get node.0.info | sed 's/.*"pid":\([0-9]*\),.*/\1/'
}

# Kills the agent and waits until another has registered.
new_agent()
{
	old=$(agent_pid)
	weir kvs get --watch node.0.info >"$W/watch" 2>>"$W/stderr" &
	watcher=$!
	note_pid "$watcher"
	kill -9 "$old"
	grep -q -m 1 -v "\"pid\":$old," <"$W/watch"
	kill "$watcher" 2>/dev/null
	wait "$watcher" 2>/dev/null
	forget_pid "$watcher"
}

# Waits until the process is no more.
gone()
{
	while kill -0 "$1" 2>/dev/null; do :; done
}

# The names in the eventlog of job $1, in a line.
events()
{
	weir job eventlog "$1" | awk '{print $2}' | xargs
}

attach()
{
	run weir job wait-event -q -t $LIMIT "$1" clean
	[ "$STATUS" -ne 0 ] || run weir job attach "$1"
}

whole='submit validate depend priority alloc start finish release free clean'

# ---- before it was started: the order waits for the next agent
old=$(agent_pid)
kill -STOP "$old"
ID=$(weir submit sh -c 'echo ran >>"$0/count"; echo hello' "$W")
weir job wait-event -q -t $LIMIT "$ID" alloc
kill -9 "$old"
attach "$ID"
ran 0 hello '' 'a job that was not started is started by the next agent'
is "$(cat "$W/count")" ran 'once'
is "$(events "$ID")" "$whole" 'with each event once'

# ---- it ends while no agent listens
ID=$(weir submit sh -c 'echo before; echo $$ >"$0/a"; read -r x <"$0/b"
	echo after; exit 6' "$W")
read -r task <&4
weir job wait-event -q -t $LIMIT "$ID" start
old=$(agent_pid)
kill -STOP "$old"
echo go >&5
gone "$task"
kill -9 "$old"
attach "$ID"
ran 6 'before
after' '*' 'a result waits for the next agent'
is "$(events "$ID")" "$whole" 'with each event once'

# ---- output on its way, and input
weir run sh -c 'for i in 1 2 3; do seq 1 100000; echo up >"$0/a"
	read -r x <"$0/b"; done; cat' "$W" <"$srcdir/t/tap.sh" >"$W/out" &
runner=$!
note_pid "$runner"
for i in 1 2 3; do
	read -r x <&4
	new_agent
	echo go >&5
done
wait "$runner"
is $? 0 'a job whose agent is killed three times as it writes'
forget_pid "$runner"
{ seq 1 100000; seq 1 100000; seq 1 100000; cat "$srcdir/t/tap.sh"; } >"$W/want"
ok "$(cmp -s "$W/out" "$W/want"; echo $?)" 'every byte of output and input arrives once'

# ---- signals
ID=$(weir submit sh -c 'trap "echo signal" USR1; trap "exit 0" USR2
	echo up >"$0/a"; while :; do read -r x <"$0/b"; done' "$W")
read -r x <&4
weir job wait-event -q -t $LIMIT "$ID" start
weir job kill -s USR1 "$ID"
new_agent
weir job kill -s USR2 "$ID"
attach "$ID"
ran 0 signal '*' 'a signal is delivered once, whichever agent passes it on'

# ---- a shell that is killed
held='echo "$$ $PPID" >"$0/a"; read -r x <"$0/b"'
ID=$(weir submit sh -c "$held" "$W")
read -r task shell <&4
weir job wait-event -q -t $LIMIT "$ID" start
kill -9 "$shell"
gone "$task"
attach "$ID"
matches "$ERR" "type=exec severity=0 .*shell died" 'a lost shell is told, and takes its tasks along'
ID=$(weir submit sh -c "$held" "$W")
read -r task shell <&4
weir job wait-event -q -t $LIMIT "$ID" start
old=$(agent_pid)
kill -STOP "$old"
kill -9 "$shell"
gone "$task"
kill -9 "$old"
attach "$ID"
matches "$ERR" 'type=exec severity=0 .*left no result' 'also by the next agent'

# ---- a job that nobody knows any more
ID=$(weir submit sh -c "$held" "$W")
read -r task shell <&4
weir job wait-event -q -t $LIMIT "$ID" start
old=$(agent_pid)
kill -STOP "$old"
weir kvs unlink -R "exec.0.$(weir job id --to=dec "$ID")"
kill -9 "$old"
gone "$task"
gone "$shell"
ok 0 'a shell without an assignment ends, with its tasks'
# schedd has it running still, so a clean end would take its time
statedir=$(weir kvs get instance.statedir)
kill -9 "$INSTANCE_PID"
wait_instance
flock "$statedir/lock" true	# until its kvsd has ended

# ---- a run folder of another time: what was running there is not run again
start_kvsd
export WEIR_URI="local://$SOCKET"
mkdir "$W/run1"
printf '{"timestamp":1.0,"name":"assign","context":{"id":7,"userid":%d,"R":{"version":1,"execution":{"R_lite":[{"rank":"0","children":{"core":"0"}}],"nodelist":["n"],"starttime":0,"expiration":0}},"nnodes":1,"node":0,"ntasks":1,"taskmap":[[0,1,1,1]],"kill-timeout":5}}\n' \
	"$(id -u)" >"$W/order"
weir kvs put --raw exec.0.7.order=- <"$W/order"
start_daemon "$builddir/execd/execd" --rank=0 --uri="$WEIR_URI" --rundir="$W/run1"
ok $? 'an agent starts in a new folder' || diag "$READY"
weir kvs eventlog wait-event -q -W -t $LIMIT exec.0.7.report finish
ok $? 'and ends what was ordered before'
matches "$(weir kvs eventlog get exec.0.7.report)" 'left no result' 'which may have run'
printf 'nonsense\n{"timestamp":1.0,"name":"assign","context":{}}\n' |
	weir kvs put --raw exec.0.8.order=-
weir kvs eventlog append exec.0.9.order assign '{"R":1}'
weir kvs eventlog wait-event -q -W -t $LIMIT exec.0.9.report finish
matches "$(weir kvs eventlog get exec.0.9.report)" 'order is malformed' 'an order that makes no sense is refused'
sed 's/"id":7/"id":10/' "$W/order" | weir kvs put --raw exec.0.10.order=-
weir kvs eventlog wait-event -q -W -t $LIMIT exec.0.10.report finish
matches "$(weir kvs eventlog get exec.0.10.report)" "the job's request: " 'a job without a request is not run'
weir kvs put "$(weir job id --to=kvs 11).J=forged"
sed 's/"id":7/"id":11/' "$W/order" | weir kvs put --raw exec.0.11.order=-
weir kvs eventlog wait-event -q -W -t $LIMIT exec.0.11.report finish
matches "$(weir kvs eventlog get exec.0.11.report)" 'the signed request is refused: ' 'nor one with a request that nobody has signed'
kill "$DAEMON_PID"
wait "$DAEMON_PID"
is $? 0 'it ends when told to'
forget_pid "$DAEMON_PID"
run weir kvs get node.0.info
ran 1 '' '*' 'and its node with it'
stop_kvsd
done_testing
