#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Housekeeping: what runs on each node of a job that has ended, before the node
# is given to others; and what is left of it when daemons are killed.
# shellcheck disable=SC2016	# single quotes: the hook expands
. "${srcdir:-.}/t/tap.sh"

W=$WORK
LIMIT=60
export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_instance --test-size=2
ok $? 'an instance of two nodes starts' || done_testing
mkfifo "$W/in" "$W/gate"
exec 4<>"$W/in" 5<>"$W/gate"

call()
{
	"$builddir/t/tool/call" "$@"
}

hook()
{
	cat >"$W/$1"
	chmod +x "$W/$1"
}

# schedd hears of it before it answers a call that comes later.
configure()
{
	weir kvs put "config={\"job-manager\":{$1}}"
	call job-manager.ping '{}' >"$W/out"
}

submit()
{
	ID=$(weir submit "$@")
}

wait_event()
{
	weir job wait-event -q -t $LIMIT "$ID" "$1"
}

# Waits until the process is no more.
gone()
{
	while kill -0 "$1" 2>/dev/null; do :; done
}

# The pid and the line of one that begins, into PID and LINE.
begun()
{
	read -r PID LINE <&4
}

state()
{
	call job-manager.ping '{}' >"$W/out"
	weir jobs -no '{state}' "$1"
}

# It runs until a status is written to the gate.
hook keep <<X
#!/bin/sh
echo "\$\$ \$WEIR_HOOK \$WEIR_JOB_ID \$WEIR_JOB_USERID \$WEIR_JOB_RANKS \$WEIR_JOB_NNODES \$PWD again=\$WEIR_HOOK_AGAIN" >$W/in
read -r x <$W/gate
exit \$x
X
KEEP="\"housekeeping\":{\"command\":[\"$W/keep\"]}"
configure "$KEEP"

run weir housekeeping list
ran 0 '       JOBID NNODES #ACTIVE     TIME NODELIST' '' 'nothing is done'

# ---- one node: the job has ended, the node is not free
submit --exclusive -N1 true
one=$ID
begun
F58=$(weir job id --to=f58 "$one")
is "$(echo "$LINE" | sed 's/ƒ/f/')" \
	"housekeeping $(echo "$F58" | sed 's/ƒ/f/') $(id -u) 0 1 / again=" 'it is told of its job'
wait_event clean
is "$(weir job eventlog "$ID" | awk '{print $2}' | tail -n 4 | xargs)" 'finish release free clean' 'which has ended'
like "$(weir housekeeping list -n)" "* $one      1       1 *" 'it is listed'
is "$(weir resource status -n | awk '{print $1, $3}' | xargs)" 'avail 1 housekeeping 1' 'and so is its node'
is "$(weir resource drain -no "{state} {reason} {nodelist}")" '' 'which is not drained'
submit -N2 true
is "$(state "$ID")" SCHED 'its node is not free'
echo 0 >&5
wait_event clean
ok $? 'until it has ended'
two=$ID
begun
begun
like "$(weir housekeeping list -n)" "* $two      2       2 *" 'then it runs on both nodes of another'

# ---- together
submit -N1 --exclusive true
echo 0 >&5
until call job-manager.housekeeping-list '{}' | grep -q '"active":1,'; do :; done
is "$(state "$ID")" SCHED 'a node waits for the other'
echo 0 >&5
wait_event clean
ok $? 'unless both have ended'
begun
echo 0 >&5
until [ -z "$(weir housekeeping list -n)" ]; do :; done
is "$(weir kvs dir -d housekeeping 2>/dev/null)$(weir resource drain -no "{state} {reason} {nodelist}")" '' 'nothing is left'

# ---- node by node
configure "\"housekeeping\":{\"command\":[\"$W/keep\"],\"release-after\":0}"
submit -N2 true
two=$ID
begun
begun
submit -N1 --exclusive true
is "$(state "$ID")" SCHED 'no node is free'
echo 0 >&5
wait_event clean
ok $? 'node by node, the first may be used at once'
begun
is "$(weir housekeeping list -n | awk '{print $2, $3}' | sort | xargs)" '1 1 2 1' 'while the other is not done'
echo 0 >&5
echo 0 >&5
until [ -z "$(weir housekeeping list -n)" ]; do :; done
configure "\"housekeeping\":{\"command\":[\"$W/keep\"],\"release-after\":\"0.05s\"}"
submit -N2 true
begun
begun
submit -N1 --exclusive true
echo 0 >&5
wait_event clean
ok $? 'or after a time'
begun
echo 0 >&5
echo 0 >&5
until [ -z "$(weir housekeeping list -n)" ]; do :; done

# ---- failure
configure "$KEEP"
submit -N1 --exclusive true
begun
echo 3 >&5
until [ -z "$(weir housekeeping list -n)" ]; do :; done
F58=$(weir job id --to=f58plain "$ID")
like "$(weir kvs get resource.drain)" \
	"{\"0\":{\"reason\":\"housekeeping of job $F58 failed on rank 0 ($(hostname)): its exit code is 3\",*}}" \
	'a node where it fails is drained, with a reason'
is "$(weir jobs -no '{result}' "$ID")" COMPLETED 'the job has its own result'
weir resource undrain 0
configure '"housekeeping":{"command":["/none/such"]}'
submit -N1 true
until weir resource drain -no "{state} {reason} {nodelist}" | grep -q 'No such file'; do :; done
ok $? 'one that is not there is a failure, too'
weir resource undrain 0
configure "\"housekeeping\":{\"command\":[\"$W/keep\"],\"timeout\":0.1,\"kill-timeout\":0.1}"
submit -N1 true
begun
until weir resource drain -no "{state} {reason} {nodelist}" | grep -q 'it took longer than 0.1 seconds'; do :; done
ok $? 'and one that takes too long'
weir resource undrain 0

# ---- kill
configure "$KEEP"
run weir housekeeping kill -a
ran 1 '' '*nothing of that runs*' 'nothing to end'
run weir housekeeping kill
ran 1 '' '*say which*' 'nothing said'
run weir housekeeping kill -t x
ran 1 '' "*ranks: 'x' is no set of ranks*" 'a set that is none'
run weir housekeeping kill -j x
ran 1 '' "*'x' is no job id*" 'an id that is none'
submit -N2 true
begun
begun
run weir housekeeping kill -j "$ID" -t 1
ran 0 '' '' 'one node of a job'
until call job-manager.housekeeping-list '{}' | grep -q '"active":1,'; do :; done
like "$(weir resource drain -no "{state} {reason} {nodelist}")" "*housekeeping of job * failed on rank 1 *it was killed by signal 15*" 'it is drained'
weir housekeeping kill --all
until [ -z "$(weir housekeeping list -n)" ]; do :; done
ok $? 'and all the others'
weir resource undrain 0-1

# ---- schedd is killed, and execd
submit -N1 --exclusive true
begun
first=$PID
kill -9 "$(daemon_pid schedd)"
until call job-manager.ping '{}' >"$W/out" 2>&1; do :; done
like "$(weir housekeeping list -n)" "* $ID      1       1 *" 'schedd killed: it goes on'
one=$ID
submit -N2 true
is "$(state "$ID")" SCHED 'its node is not free'
kill -0 "$first"
ok $? 'it is the same'
kill -9 "$(weir kvs get node.0.info | sed 's/.*"pid":\([0-9]*\),.*/\1/')"
begun
like "$LINE" '*again=1' 'execd killed: it runs again and is told'
echo 0 >&5
begun
begun
wait_event clean
ok $? 'its node is free then'
configure ''
kill -9 "$(daemon_pid schedd)"
until call job-manager.ping '{}' >"$W/out" 2>&1; do :; done
until [ -z "$(weir housekeeping list -n)" ]; do :; done
ok $? 'what is not configured any more is over'
like "$(weir kvs get resource.drain)" '{}' 'nothing is drained'
weir kvs put housekeeping.7='{}'
kill -9 "$(daemon_pid schedd)"
until call job-manager.ping '{}' >"$W/out" 2>&1; do :; done
matches "$(weir dmesg)" 'housekeeping.7: it is malformed; it is not done' 'a damaged key is told'
weir kvs unlink housekeeping.7

# ---- a simulated run is on no node
configure "$KEEP"
submit -S exec.test.run_duration=0.001s true
wait_event clean
is "$(weir housekeeping list -n)" '' 'a simulated run has none'
configure '"housekeeping":{"command":["x"]}'
matches "$(weir dmesg)" 'job-manager.housekeeping.command: must be an array of strings, the first an absolute path' 'a wrong command'
configure '"housekeeping":{"command":["/x"],"release-after":[]}'
matches "$(weir dmesg)" 'job-manager.housekeeping.release-after: must be a duration' 'a wrong time'
configure "$KEEP"
submit -N1 true
begun
stop_instance
gone "$PID"
ok $? 'it ends with its execd'
is "$(grep -c Sanitizer "$ERRORS")" 0 'no sanitizer found anything'
done_testing
