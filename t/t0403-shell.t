#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Job shells in bad times: without an agent, with strangers on the agent's
# socket, with output that the store refuses, with an assignment that somebody
# removes, with more tasks than a soft limit of descriptors allows. execd(8).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

EXECD=$builddir/execd/execd
W=$WORK
export WEIR_F58_FORCE_ASCII=1

# An agent on its own, with kvsd and schedd, so that nobody starts it anew.
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
mkdir "$W/run"
start_agent()
{
	start_daemon "$EXECD" --rank=0 --uri="$WEIR_URI" --rundir="$W/run" "$@"
	tap_status=$?
	AGENT=$DAEMON_PID
	return $tap_status
}
stop_agent()
{
	kill "-$1" "$AGENT"
	wait "$AGENT" 2>/dev/null
	forget_pid "$AGENT"
}
run "$EXECD" --rank=0 --uri="$WEIR_URI" --rundir="$W/run" \
	--shell-timeout=2000000
like "$STATUS $ERR" '1 *--shell-timeout: 2000000 is over 1048576' \
	'the time-out has its bound'
start_agent --shell-timeout=0
ok $? 'execd starts'

# ---- strangers on its socket
mkfifo "$W/up" "$W/go"
submit other sh -c 'echo up >"$0/up"; read -r x <"$0/go"; echo "$x"' "$W"
read -r up <"$W/up"
store=$SOCKET
SOCKET=$W/run/execd-0.sock
got=$(talk <<END
a open
a send nonsense
a close
b open
b send hello 0 $ID
b eof
c open
c send hello 1 $ID 1
c eof
d open
d raw hello 0 
d fill 20000
d send
d eof
e open
e send output 0 {99999999}
e eof
f open
f raw hel
f close
END
)
SOCKET=$store
is "$got" 'eof
eof
eof
eof' 'lines that make no sense, or are too long, end a link'
echo undisturbed >"$W/go"
run "$weir" job attach "$ID"
ran 0 undisturbed '' 'and disturb no other'

# ---- no agent comes back
submit lost sh -c 'trap "" TERM HUP; exec 9>"$0/up"; echo $PPID >&9
	while :; do read -r x <"$0/go"; done' "$W"
exec 3<"$W/up"
read -r shell <&3
stop_agent KILL
is "$(cat <&3)" '' 'a shell without an agent ends after a time, and its tasks'
exec 3<&-
while kill -0 "$shell" 2>/dev/null; do :; done
start_agent
run "$weir" job attach "$ID"
like "$STATUS $ERR" "137 *type=exec severity=0 *shell*" \
	'the next agent says that the job is lost'

# ---- output that the store refuses
# A job may do as it likes with its own namespace.
submit refused sh -c '"$1" kvs unlink output && "$1" kvs mkdir output &&
	head -c 100000 /dev/zero; read -r x <"$0/go"' "$W" "$weir"
wait_event clean
matches "$("$weir" kvs eventlog get "$KEY.eventlog")" \
	' exception type="exec" severity=0 note="output could not be stored: .*Is a directory' \
	'ends the job by an exception'
# likewise a little that comes just before the end, and a link
for made in 'mkdir output' 'put output.below=1' 'link output output' \
	'link -T nowhere key output'; do
	submit refused sh -c '"$1" kvs unlink output && "$1" kvs $2 && echo hello' \
		"$W" "$weir" "$made"
	wait_event clean
	matches "$("$weir" kvs eventlog get "$KEY.eventlog")" \
		' exception type="exec" severity=0 note="output could not be stored: ' \
		"and so does little of it: kvs $made"
done
is "$(grep -c 'rank 0: .*starting anew' "$WORK/stderr")" 0 \
	'and disturbs not its agent'
is "$(grep -c 'schedd: .*starting anew' "$WORK/stderr")" 0 'and not schedd'

# ---- an assignment that is removed by hand
for what in exec.0.ID exec.0 exec; do
	submit removed sh -c 'exec 9>"$0/up"; echo up >&9; read -r x <"$0/go"' "$W"
	exec 3<"$W/up"
	read -r up <&3
	wait_event start
	key=$(echo $what | sed "s/ID/$ID/")
	"$weir" kvs unlink -R "$key"
	is "$(cat <&3)" '' "$what is removed: the tasks are killed"
	exec 3<&-
	run "$weir" job attach "$ID"
	like "$STATUS $ERR" "137 *type=exec severity=0 the assignment to its \
node was removed: somebody unlinked $key*" 'the job ends, and says why'
done
submit removed sh -c 'exec 9>"$0/up"; echo up >&9; read -r x <"$0/go"' "$W"
exec 3<"$W/up"
read -r up <&3
wait_event start
kill_schedd KILL
"$weir" kvs unlink -R "exec.0.$ID"
is "$(cat <&3)" '' 'likewise while schedd is away'
exec 3<&-
start_schedd
run "$weir" job attach "$ID"
like "$STATUS $ERR" "137 *type=exec severity=0 the assignment to its node was \
removed while schedd was away*" 'which tells it when it is back'
run "$weir" run true
ran 0 '' '' 'what it had is free again'
stop_agent TERM

# ---- many tasks
soft=$(ulimit -Sn)
if [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 2000 ]; then
	ulimit -Sn 200
	start_agent
	ulimit -Sn "$soft"
	run "$weir" run '--rlimit=-*' -o per-resource.type=core \
		-o per-resource.count=400 sh -c 'echo $WEIR_TASK_RANK; ulimit -Sn >&2'
	is "$STATUS $(echo "$OUT" | sort -n | tail -n 1) $(echo "$OUT" | wc -l)" \
		'0 399 400' 'more tasks than descriptors: the limit is raised'
	is "$(echo "$ERR" | sort -u)" 200 'but not that of the tasks'
	stop_agent TERM
else
	skip 'many tasks' 'the hard limit of descriptors is too low'
fi
kill_schedd TERM
stop_kvsd
is "$KVSD_STATUS" 0 'all is well'
done_testing
