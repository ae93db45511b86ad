#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hooks that run on each node of a job: in what order, what their end means for
# job and node, and what is left of them when schedd or execd is killed.
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

# Of the job's log, from alloc on, in a line.
events()
{
	weir job eventlog "$ID" | awk '{print $2}' | xargs | sed 's/.*alloc/alloc/'
}

# The pid and the line of a hook of the job, into PID and LINE.
hook_of_job()
{
	f58=$(weir job id --to=f58plain "$ID")
	while read -r PID job LINE <&4; do
		case $job in *"${f58#f}") return ;; esac
	done
}

# Waits until the process is no more.
gone()
{
	while kill -0 "$1" 2>/dev/null; do :; done
}

PRO="\"prolog\":{\"per-rank\":true,\"command\":[\"$W/pro\",\"arg\"]}"
EPI="\"epilog\":{\"per-rank\":true,\"command\":[\"$W/epi\"]}"
whole='alloc prolog-start prolog-finish start finish epilog-start epilog-finish release free clean'

hook pro <<X
#!/bin/sh
echo "\$WEIR_HOOK \$1 \$WEIR_JOB_ID \$WEIR_JOB_RANKS \$WEIR_JOB_NNODES \$PWD \$WEIR_HOOK_AGAIN" >>$W/count
echo 'to be seen'
X
hook epi <<X
#!/bin/sh
echo "\$WEIR_HOOK \$WEIR_JOB_USERID" >>$W/count
X
configure "$PRO,$EPI"
submit -N2 sh -c "echo task >>$W/count" && wait_event clean
is "$(events)" "$whole" 'a prolog is before start, an epilog before release'
F58=$(weir job id --to=f58plain "$ID")
is "$(sed "s/ƒ/f/" "$W/count")" "prolog arg $F58 0-1 2 / 
prolog arg $F58 0-1 2 / 
task
task
epilog $(id -u)
epilog $(id -u)" 'each runs on each node, and the tasks between'
matches "$(weir dmesg)" "prolog on $(hostname): to be seen" 'what it puts out is in the log'

# ---- failure
hook pro <<'X'
#!/bin/sh
exit 3
X
submit true && wait_event clean
is "$(events)" 'alloc prolog-start exception prolog-finish epilog-start epilog-finish release free clean' \
	'a prolog that fails ends the job, and the epilog runs'
F58=$(weir job id --to=f58plain "$ID")
like "$(weir job eventlog "$ID")" \
	"*type=\"prolog\" severity=0 note=\"prolog of job $F58 failed on rank 0 ($(hostname)): its exit code is 3\"*status=768*" \
	'with a reason'
like "$(weir kvs get resource.drain)" "{\"0\":{\"reason\":\"prolog of job $F58 failed on rank 0 *exit code is 3\",*}}" \
	'its node is drained, the other is not'
weir resource undrain 0
hook pro <<'X'
#!/bin/sh
exit 0
X
hook epi <<'X'
#!/bin/sh
kill -9 $$
X
submit -N2 true && wait_event clean
like "$(weir job eventlog "$ID")" \
	'*type="epilog" severity=1 note="epilog of job *killed by signal 9 (Killed); and on 1 other"*epilog-finish*free*' \
	'an epilog that fails on both is told, and holds nothing'
run weir job attach "$ID"
is "$STATUS" 0 'the job has its own result'
matches "$(weir resource drain -no "{state} {reason} {nodelist}")" '^drained +epilog of job .*rank 0' 'both nodes are drained'
weir resource undrain 0-1
configure '"prolog":{"per-rank":true,"command":["/none/such"]}'
submit true && wait_event clean
like "$(weir job eventlog "$ID")" '*No such file or directory*' 'one that is not there is a failure, too'
weir resource undrain 0

# ---- it hangs, and so does what it has started
hook pro <<X
#!/bin/sh
trap '' TERM
sleep 1000 &
echo \$! >$W/in
wait
X
configure "\"prolog\":{\"per-rank\":true,\"command\":[\"$W/pro\"],\"timeout\":0.2,\"kill-timeout\":0.2}"
submit true
read -r child <&4
wait_event clean
F58=$(weir job id --to=f58plain "$ID")
like "$(weir kvs get resource.drain)" \
	"*\"prolog of job $F58 failed on rank 0 *it took longer than 0.2 seconds; it was killed by signal 9*" \
	'one that takes too long is killed, and its node drained'
gone "$child"
ok $? 'its children, too'
weir resource undrain 0

# ---- the job is to end
hook pro <<X
#!/bin/sh
echo "\$\$ again=\$WEIR_HOOK_AGAIN" >$W/in
read -r x <$W/gate
X
configure "$PRO"
submit -N2 true
read -r one line <&4
read -r two line <&4
weir cancel "$ID"
wait_event clean
is "$(events)" 'alloc prolog-start exception prolog-finish release free clean' \
	'cancel ends the prolog on each node, and the job'
gone "$one"
gone "$two"
is "$(weir resource drain -no "{state} {reason} {nodelist}")" '' 'that is no reason to drain'

# ---- schedd is killed: the hook goes on, and the next schedd hears of its end,
# or runs it again if it came too late
hook pro <<X
#!/bin/sh
echo "\$\$ \$WEIR_JOB_ID again=\$WEIR_HOOK_AGAIN" >$W/in
[ -n "\$WEIR_HOOK_AGAIN" ] || read -r x <$W/gate
X
submit true
hook_of_job
kill -9 "$(daemon_pid schedd)"
until call job-manager.ping '{}' >"$W/out" 2>&1; do :; done
echo go >&5
wait_event clean
is "$(events)" 'alloc prolog-start prolog-finish start finish release free clean' \
	'schedd killed: the job goes on'

# ---- execd is killed: the next one runs it again
submit true
hook_of_job
one=$PID
is "$LINE" 'again=' 'a prolog runs'
kill -9 "$(weir kvs get node.0.info | sed 's/.*"pid":\([0-9]*\),.*/\1/')"
hook_of_job
is "$LINE" 'again=1' 'execd killed: it runs again and is told'
gone "$one"
ok $? 'the first is no more'
wait_event clean
is "$(events)" 'alloc prolog-start prolog-finish start finish release free clean' \
	'and the job goes on'
like "$(weir kvs get resource.drain)" '{}' 'nothing is drained'

# ---- a simulated run is on no node
submit -S exec.test.run_duration=0.001s true
wait_event clean
is "$(events)" 'alloc start finish release free clean' 'a simulated run has none'

# ---- who asks for one that runs is told of its end
order="{\"id\":7,\"hook\":\"x\",\"label\":\"x\",\"command\":[\"$W/pro\"],\"environment\":[],\"timeout\":0.0,\"kill-timeout\":0.0,\"run\":true}"
call execd-0.hook "$order" >"$W/first" 2>&1 &
first=$!
read -r one line <&4
call execd-0.hook "$order" >"$W/second" 2>&1 &
second=$!
wait "$first"
like "$(cat "$W/first")" 'ECANCELED: somebody else has asked*' 'one hook tells one caller'
echo go >&5
wait "$second"
is "$(cat "$W/second")" '{"status":0}' 'the last that has asked, and it runs once'

# ---- orders that make no sense
run call execd-0.hook '{"id":1}'
ran 1 '' 'EPROTO: the order is malformed*' 'execd: a malformed order'
run call execd-0.hook '{"id":1,"hook":"prolog","label":"x","command":["/bin/true",1],"environment":[],"timeout":0.0,"kill-timeout":0.0,"run":true}'
ran 1 '' 'EPROTO: the order is malformed*' 'an argument that is no string'
run call execd-0.hook '{"id":1,"hook":"prolog","label":"x","command":["/bin/true"],"environment":[],"timeout":0.0,"kill-timeout":0.0,"run":false}'
ran 0 '{"status":9,"why":"it did not run any more"}' '' 'one that is only asked for is not begun'
run call execd-0.hook-stop 'x'
ran 1 '' 'EPROTO: id and hook are needed*' 'hook-stop'
configure '"prolog":{"command":["/epi"],"per-rank":1}'
matches "$(weir dmesg)" 'job-manager.prolog.per-rank: must be true or false' 'a wrong configuration'

# ---- the instance ends with it
configure "$PRO"
submit true
read -r one line <&4
stop_instance
gone "$one"
ok $? 'a hook ends with its execd'
done_testing
