#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prolog and epilog: when they run, what they see, what their end means for the
# job, and what a restart of schedd leaves of them.
# shellcheck disable=SC2016	# single quotes: the hook expands
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
"$weir" kvs get -W resource.R >"$WORK/out"
MOCK='exec.test.run_duration=0.001s'

hook()
{
	cat >"$WORK/$1"
	chmod +x "$WORK/$1"
}

# schedd hears of it before it answers a call that comes later.
configure()
{
	"$weir" kvs put "config={\"job-manager\":{$1}}"
	call job-manager.ping '{}' >"$WORK/out"
}

cancel()
{
	call job-manager.raise "{\"id\":$ID,\"type\":\"cancel\",\"severity\":0}" >"$WORK/out"
}

# A FIFO that a hook opens and waits at, so that it runs for as long as it is
# let.
mkfifo "$WORK/gate" "$WORK/in"
PRO="\"prolog\":{\"command\":[\"$WORK/pro\"]}"
EPI="\"epilog\":{\"command\":[\"$WORK/epi\"]}"

hook pro <<X
#!/bin/sh
echo "\$WEIR_HOOK \$WEIR_JOB_ID \$WEIR_JOB_USERID \$WEIR_OWNER_USERID \$WEIR_JOB_RANKS \$WEIR_JOB_HOSTLIST \$WEIR_JOB_NNODES \$PATH \$PWD \$WEIR_URI" >$WORK/env
echo 'to be seen'
X
hook epi <<X
#!/bin/sh
echo "\$WEIR_HOOK \$WEIR_JOB_ID" >>$WORK/env
echo 'to be heard' >&2
X
configure "$PRO,$EPI"
submit both -S "$MOCK" true && wait_event clean
is "$(events "$KEY" | sed 's/.*alloc/alloc/')" \
	'alloc prolog-start prolog-finish start finish epilog-start epilog-finish release free clean' \
	'a prolog is before start, an epilog before release'
F58=$("$weir" job id --to=f58 "$ID")
UID_=$(id -u)
is "$(cat "$WORK/env")" "prolog $F58 $UID_ $UID_ 0 n0 1 /usr/sbin:/usr/bin:/sbin:/bin / $WEIR_URI
epilog $F58" 'what they find in their environment'
like "$(cat "$WORK/stderr")" "*$KEY: prolog on $(hostname): to be seen*$KEY: epilog on $(hostname): to be heard*" \
	'what they put out is in the log, with job and host'
is "$(field both result)" 1 'the job has completed'

# ---- failure
hook pro <<'X'
#!/bin/sh
exit 3
X
submit failing -S "$MOCK" true && wait_event clean
is "$(events "$KEY" | sed 's/.*alloc/alloc/')" \
	'alloc prolog-start exception prolog-finish epilog-start epilog-finish release free clean' \
	'a prolog that fails ends the job; it never starts, and has its epilog'
like "$("$weir" kvs eventlog get "$KEY.eventlog")" \
	"*exception*type=\"prolog\" severity=0 note=\"prolog of job * failed on $(hostname): its exit code is 3\"*prolog-finish*status=768*" \
	'the exception names host and exit code'
hook pro <<'X'
#!/bin/sh
exit 0
X
hook epi <<'X'
#!/bin/sh
kill -9 $$
X
submit late -S "$MOCK" true && wait_event clean
like "$("$weir" kvs eventlog get "$KEY.eventlog")" \
	"*exception*type=\"epilog\" severity=1 note=\"epilog of job * failed on $(hostname): it was killed by signal 9 *epilog-finish*status=9*free*" \
	'an epilog that fails is told, and holds nothing'
like "$("$weir" resource drain -no "{state} {reason} {nodelist}")" '*drained *epilog of job *failed on *' \
	'the nodes of its job are drained'
"$weir" resource undrain 0
configure "\"prolog\":{\"command\":[\"/none/such\"]}"
submit missing -S "$MOCK" true && wait_event clean
like "$(field missing exception_note)$("$weir" kvs eventlog get "$KEY.eventlog")" \
	'*No such file or directory*' 'one that is not there is a failure, too'

# ---- it hangs
hook pro <<X
#!/bin/sh
trap '' TERM
: >$WORK/in
exec cat $WORK/gate
X
configure "\"prolog\":{\"command\":[\"$WORK/pro\"],\"timeout\":0.2,\"kill-timeout\":0.2}"
submit hanging -S "$MOCK" true
: <"$WORK/in"
wait_event clean
like "$("$weir" kvs eventlog get "$KEY.eventlog")" \
	'*type="prolog" severity=0 note="*it took longer than 0.2 seconds; it was killed by signal 9*prolog-finish*status=9*' \
	'one that takes too long is killed and said to have'
like "$("$weir" resource drain -no "{state} {reason} {nodelist}")" '*drained *prolog of job *it took longer than 0.2 seconds*' \
	'the nodes of its job are drained'
"$weir" resource undrain 0

# ---- the job is to end
hook pro <<X
#!/bin/sh
echo "again=\$WEIR_HOOK_AGAIN" >$WORK/in
exec cat $WORK/gate
X
configure "$PRO"
submit canceled -S "$MOCK" true
read -r line <"$WORK/in"
is "$line" 'again=' 'a prolog runs'
run call job-manager.kill "{\"id\":$ID,\"signum\":15}"
like "$STATUS $ERR" '1 *not running*' 'a job in its prolog gets no signal'
cancel
wait_event clean
is "$(events "$KEY" | sed 's/.*alloc/alloc/')" \
	'alloc prolog-start exception prolog-finish release free clean' \
	'cancel ends the prolog and the job'
run "$weir" job attach "$ID"
like "$STATUS $ERR" '1 *type=cancel severity=0*' \
	'who attaches to a job that never ran is told so'
configure "\"prolog\":{\"command\":[\"$WORK/pro\"],\"cancel-on-exception\":false}"
submit uncanceled -S "$MOCK" true
read -r line <"$WORK/in"
cancel
wait_event exception
echo go >"$WORK/gate"
wait_event clean
like "$("$weir" kvs eventlog get "$KEY.eventlog")" \
	'*exception*prolog-finish*status=0*release*' \
	'or waits for it, if that is what the configuration says'

# ---- restarts
configure "$PRO"
for signal in KILL TERM; do
	submit "cut$signal" -S "$MOCK" true
	read -r line <"$WORK/in"
	kill_schedd $signal
	start_schedd
	read -r line <"$WORK/in"
	is "$line" 'again=1' "SIG$signal of schedd: a prolog runs again and is told"
	echo go >"$WORK/gate"
	wait_event clean
	is "$(events "$KEY" | sed 's/.*alloc/alloc/')" \
		'alloc prolog-start prolog-finish start finish release free clean' \
		'and the job goes on'
done
like "$(cat "$WORK/stderr")" '*prolog on *was cut off by the end of schedd and runs again*' \
	'the log says so'
submit gone -S "$MOCK" true
read -r line <"$WORK/in"
kill_schedd KILL
"$weir" kvs put 'config={}'
start_schedd
wait_event clean
is "$(events "$KEY" | sed 's/.*alloc/alloc/')" \
	'alloc prolog-start prolog-finish start finish release free clean' \
	'without a prolog any more, the job goes on'

# ---- bad configuration
for bad in '"prolog":1|job-manager.prolog: must be an object' \
	'"prolog":{}|job-manager.prolog.command: is missing (must be an array of strings, the first an absolute path)' \
	'"epilog":{"command":["epi"]}|job-manager.epilog.command: must be' \
	'"epilog":{"command":["/epi",1]}|job-manager.epilog.command: must be an array of strings' \
	'"epilog":{"command":["/epi"],"timeout":"x"}|job-manager.epilog.timeout: must be a duration' \
	'"prolog":{"command":["/epi"],"per-rank":1}|job-manager.prolog.per-rank: must be true or false'; do
	: >"$WORK/stderr"
	configure "${bad%%|*}"
	like "$(cat "$WORK/stderr")" "*config: ${bad#*|}*nothing of it is used*" \
		"${bad#*|}"
done
done_testing
