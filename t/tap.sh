# SPDX-License-Identifier: Apache-2.0
# Test Anything Protocol for shell scripts, a private folder, and a kvsd of
# one's own. Source it first: . "${srcdir:-.}/t/tap.sh"
#
#   ok STATUS NAME          a point: passes if STATUS is 0
#   is GOT WANT NAME        equal strings
#   like GOT PATTERN NAME   GOT matches the shell PATTERN
#   matches GOT ERE NAME    a line of GOT matches the extended regex
#   skip NAME REASON        a point that can't be tested here
#   skip_all REASON         ends the script before any point
#   done_testing            the last line
#   start_kvsd [OPTION...]  waits until it is ready; sets KVSD_PID, SOCKET, STATE
#   stop_kvsd [SIGNAL]      waits for its end; sets KVSD_STATUS
#   start_instance [OPTION...]  weir start in the background; sets and exports
#                           WEIR_URI, sets INSTANCE_PID (weir start's)
#   stop_instance [CODE]    its program ends with CODE (default 0), all of it
#                           stops; sets INSTANCE_STATUS
#   daemon_pid NAME         prints the pid of kvsd, schedd, execd-0 ... of the
#                           instance, the newest
#   await NAME PID          waits for the end of a child; its status
#   run COMMAND...          sets STATUS, OUT and ERR, which are its exit code
#                           and what it wrote
#   ran STATUS OUT ERR NAME a point: the last run gave this; ERR is a pattern
#
# Where one of these waits, and for a command that is run, it does so for
# $WAIT_SECONDS (120) at most: then a watcher tells what was waited for, who is
# left and the last of the daemons' messages, and ends the script.
#
# weir is the function that runs the command that was built. $ERRORS is what
# the instance wrote to standard error.
# $WORK is the folder; it goes at exit, with every process that was noted by
# `note_pid PID`. Nothing here sleeps but the watcher.
: "${srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${builddir:=$(pwd)}"
: "${WAIT_SECONDS:=120}"

tap_count=0
tap_failed=0
tap_pids=

WORK=$(mktemp -d "${TMPDIR:-/tmp}/weir-t.XXXXXX") || exit 1
SOCKET=$WORK/socket
STATE=$WORK/state
KVSD=$builddir/kvsd/kvsd
ERRORS=$WORK/instance.err
export TMPDIR="$WORK"
unset WEIR_URI WEIR_KVS_NAMESPACE WEIR_SIGN_MECHANISM NO_COLOR

weir()
{
	"$builddir/cmd/weir" "$@"
}

tap_exit()
{
	tap_status=$?
	trap '' HUP INT TERM
	kill "$tap_watcher" 2>/dev/null
	for tap_pid in $tap_pids; do
		kill -9 "$tap_pid" 2>/dev/null && wait "$tap_pid" 2>/dev/null
	done
	rm -rf "$WORK"
	exit $tap_status
}
trap tap_exit EXIT
trap 'exit 1' HUP INT TERM

# ---- the watcher

# waiting WHAT: from here to `waited`, which is not to take longer than it may.
# Each has its number, so that the watcher can tell it from the one before.
tap_waits=0
waiting()
{
	tap_waits=$((tap_waits + 1))
	printf '%s\n' "$tap_waits $WAIT_SECONDS $*" >"$WORK/tap-waiting"
}

waited()
{
	true >"$WORK/tap-waiting"
}

# await NAME PID: the end of a child; its status.
await()
{
	waiting "the end of $1 (pid $2)"
	wait "$2"
	set -- $?
	waited
	return "$1"
}

# The processes that the script started, and theirs: pid, parent, state, command.
tap_descendants()
{
	ps -e -o pid= -o ppid= -o stat= -o args= | awk -v script="$$" '
		{ line[$1] = $0; parent[$1] = $2 }
		END {
			for (pid in line) {
				p = pid
				while (p in parent && p != script)
					p = parent[p]
				if (p == script && pid != script)
					print line[pid]
			}
		}'
}

# tap_tell SECONDS WHAT: why the script is about to end.
tap_tell()
{
	echo "$0: waited $1 seconds in vain: $2"
	echo "processes:"
	echo "$tap_alive"
	for tap_log in "$WORK/stderr" "$ERRORS" "$WORK/run.out" \
		"$WORK/run.err"; do
		[ -s "$tap_log" ] || continue
		echo "the end of ${tap_log##*/}:"
		tail -n 20 "$tap_log"
	done
}

# It is no child of the script, which may wait for all its children, and ends
# with it. What it tells goes where prove shows it.
tap_watch()
{
	trap - EXIT
	trap 'kill "$tap_sleep" 2>/dev/null; exit' TERM
	trap '' HUP INT
	tap_last='' tap_turns=0
	while kill -0 $$ 2>/dev/null; do
		sleep 1 >/dev/null 2>&1 &
		tap_sleep=$!
		wait "$tap_sleep"
		tap_now='' tap_limit='' tap_what=''
		{
			read -r tap_now tap_limit tap_what <"$WORK/tap-waiting"
		} 2>/dev/null
		tap_turns=$((tap_turns + 1))
		[ "$tap_now" = "$tap_last" ] || tap_turns=0
		tap_last=$tap_now
		[ "$tap_what" ] || continue
		[ "$tap_turns" -ge "$tap_limit" ] || continue
		tap_alive=$(tap_descendants)
		tap_tell "$tap_limit" "$tap_what" | sed 's/^/# /' >&2
		kill -TERM $$
		# shellcheck disable=SC2046
		kill -KILL $(echo "$tap_alive" | awk '{print $1}') 2>/dev/null
		exit
	done
}
waited
tap_watcher=$({ exec >/dev/null; tap_watch; } & echo $!)

note_pid()
{
	tap_pids="$tap_pids $1"
}

forget_pid()
{
	tap_left=
	for tap_pid in $tap_pids; do
		[ "$tap_pid" = "$1" ] || tap_left="$tap_left $tap_pid"
	done
	tap_pids=$tap_left
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# What is wrong, where prove shows it.
blame()
{
	diag "$*" >&2
}

ok()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $2"
		blame "$0: not ok $tap_count - $2"
	fi
	return "$1"
}

is()
{
	if [ "$1" = "$2" ]; then ok 0 "$3"; return 0; fi
	ok 1 "$3"
	blame "got:  $1"
	blame "want: $2"
	return 1
}

like()
{
	# shellcheck disable=SC2254
	case $1 in
	$2) ok 0 "$3"; return 0 ;;
	esac
	ok 1 "$3"
	blame "got:     $1"
	blame "pattern: $2"
	return 1
}

matches()
{
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then ok 0 "$3"; return 0; fi
	ok 1 "$3"
	blame "got:   $1"
	blame "regex: $2"
	return 1
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing()
{
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] || exit 1
	exit 0
}

# A daemon in the background that tells by --ready-fd when it is ready. Sets
# DAEMON_PID and READY, what it told. Status 0 if that is "ready".
start_daemon()
{
	rm -f "$WORK/ready"
	mkfifo "$WORK/ready"
	"$@" --ready-fd=8 8>"$WORK/ready" 2>>"$WORK/stderr" &
	DAEMON_PID=$!
	note_pid "$DAEMON_PID"
	READY=
	waiting "$1 to be ready (pid $DAEMON_PID)"
	IFS= read -r READY <"$WORK/ready" || :
	waited
	[ "$READY" = ready ] && return 0
	await "$1" "$DAEMON_PID"
	forget_pid "$DAEMON_PID"
	return 1
}

start_kvsd()
{
	start_daemon "$KVSD" --socket="$SOCKET" --statedir="$STATE" "$@"
	tap_status=$?
	KVSD_PID=$DAEMON_PID
	if [ $tap_status -ne 0 ]; then
		diag "kvsd: $READY"
		[ ! -s "$WORK/stderr" ] || diag "$(cat "$WORK/stderr")"
	fi
	return $tap_status
}

stop_kvsd()
{
	kill "-${1:-TERM}" "$KVSD_PID"
	await kvsd "$KVSD_PID"
	KVSD_STATUS=$?
	forget_pid "$KVSD_PID"
}

# The program of the instance says who started it and where it is, then ends
# when it is told to, or when this script is no more. Both named pipes are open
# for reading and writing, so that neither side waits for the other to open.
start_instance()
{
	rm -f "$WORK/up" "$WORK/down"
	mkfifo "$WORK/up" "$WORK/down"
	exec 6<>"$WORK/down" 7<>"$WORK/up"
	{
		# shellcheck disable=SC2016
		"$builddir/cmd/weir" start -v "$@" sh -c '
			echo "$PPID $WEIR_URI" >"$1"
			read -r code <"$2"
			exit "${code:-1}"' sh "$WORK/up" "$WORK/down" \
			6>&- 7>&- 2>>"$ERRORS" </dev/null
		tap_status=$?
		echo "ended $tap_status" >&7
		exit $tap_status
	} &
	WRAPPER_PID=$!
	note_pid "$WRAPPER_PID"
	waiting "weir start $* to be ready (pid $WRAPPER_PID)"
	IFS=' ' read -r INSTANCE_PID WEIR_URI <&7
	waited
	if [ "$INSTANCE_PID" = ended ]; then
		INSTANCE_STATUS=$WEIR_URI
		unset WEIR_URI
		diag "weir start: exit code $INSTANCE_STATUS"
		diag "$(cat "$ERRORS")"
		return 1
	fi
	note_pid "$INSTANCE_PID"
	export WEIR_URI
}

# What is left of it when the program is told to end, or has been killed.
wait_instance()
{
	await 'weir start' "$WRAPPER_PID"
	INSTANCE_STATUS=$?
	forget_pid "$WRAPPER_PID"
	forget_pid "$INSTANCE_PID"
	unset WEIR_URI
	exec 6>&- 7>&-
}

stop_instance()
{
	echo "${1:-0}" >&6
	wait_instance
}

daemon_pid()
{
	sed -n "s/^weir-start: started $1 (pid \([0-9]*\))\$/\1/p" "$ERRORS" |
	tail -n 1
}

run()
{
	STATUS=0
	waiting "$@"
	"$@" >"$WORK/run.out" 2>"$WORK/run.err" || STATUS=$?
	waited
	OUT=$(cat "$WORK/run.out")
	ERR=$(cat "$WORK/run.err")
}

# ran STATUS OUT ERR NAME: what the last run gave; ERR is a shell pattern.
ran()
{
	# shellcheck disable=SC2254
	if [ "$STATUS" -eq "$1" ] && [ "$OUT" = "$2" ]; then
		case $ERR in
		$3) ok 0 "$4"; return 0 ;;
		esac
	fi
	ok 1 "$4"
	blame "got exit code $STATUS, want $1"
	blame "output: $OUT"
	blame "want:   $2"
	blame "errors: $ERR"
	blame "want:   $3"
	return 1
}

# talk: wiretalk(SOCKET) with the script on standard input; what it showed and
# its complaint, if any. Numbers that vary are shown as words: the sequence of
# events by their distance from the first one seen.
talk()
{
	"$builddir/t/tool/wiretalk" "$SOCKET" 2>&1 | sed -E \
		-e 's/(hash=)[0-9a-f]{64}/\1HASH/g' \
		-e 's/^(\* .*) (more=1|whole=[0-9]+)( \{[0-9]+\})?$/\1\3/' \
		-e 's/(time=)[0-9]+\.[0-9]+/\1TIME/g'
}
