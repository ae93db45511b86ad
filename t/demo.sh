#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What Weir does, shown by doing it. Runs inside an instance: `./bootstrap
# demo' starts one for it, and `weir start sh t/demo.sh' does the same.
set -u
weir=${WEIR_COMMAND:-}
[ -n "$weir" ] || for candidate in "$(dirname "$0")/../build/cmd/weir" weir; do
	command -v "$candidate" >/dev/null && { weir=$candidate; break; }
done
[ -n "${WEIR_URI:-}" ] || { echo "demo: run me by: weir start sh $0" >&2; exit 1; }

step=0
failed=0

say() { printf '   %s\n' "$*"; }
title()
{
	step=$((step + 1))
	printf '\n%d. %s\n' "$step" "$*"
}
# Shows a command and runs it; the exit code is in $code.
show()
{
	printf '   $ weir'
	for word; do
		case $word in
		*[!A-Za-z0-9_./=:,-]*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '\n'
	"$weir" "$@" 2>&1 | sed 's/^/     /'
}
expect()
{
	if [ "$1" = "$2" ]; then say "(as expected: $3)"
	else say "UNEXPECTED: $3: got '$1', want '$2'"; failed=1
	fi
}

echo "Welcome to Weir. An instance of it is running on this machine now:"
echo "kvsd keeps all state, schedd decides which job runs where, execd runs it."
show uptime
show resource info

title "A parallel job: two tasks of hostname, labelled by task"
show run -n2 -l hostname

title "A job that fails: its exit code becomes that of weir run"
"$weir" run sh -c 'echo "I give up" >&2; exit 3' >/dev/null 2>&1
code=$?
show run sh -c 'echo "I give up" >&2; exit 3'
expect "$code" 3 "exit code 3"

title "What happened to a job is an event log in the store"
id=$("$weir" submit sh -c 'echo hello from a job')
"$weir" job wait-event -q "$id" clean
show job eventlog "$id"
say "and its output stays readable:"
show job attach "$id"

title "A burst: 100 jobs, submitted without waiting for each other"
start=$(date +%s%N)
if [ -t 2 ]; then
	"$weir" submit --cc=1-100 --wait --progress --jps --quiet true
	code=$?
else
	"$weir" submit --cc=1-100 --wait --quiet true
	code=$?
fi
ms=$((($(date +%s%N) - start) / 1000000))
say "100 jobs from submission to the last one's end: $ms ms"
expect "$code" 0 "all of them succeeded"
show jobs --stats-only

title "The key-value store: put, get, and a watch that sees each change"
show kvs put demo.color=blue demo.size=7
pipe=$(mktemp -u)
mkfifo "$pipe"
"$weir" kvs get --watch --count=2 demo.color >"$pipe" &
exec 3<"$pipe"
rm -f "$pipe"
read -r first <&3	# the watch is there: it has shown the present value
show kvs put demo.color=red
read -r second <&3
exec 3<&-
wait
say "the watcher saw: $first, then $second"
expect "$second" red "the change"
show kvs dir demo

title "Events: published, received by whoever subscribed"
"$weir" event pub --loopback --synchronous demo.done '{"ok":true}' |
	sed 's/^/     /'
say "(published with --loopback: it came back to us, with that number)"

printf '\n'
if [ "$failed" = 0 ]; then
	echo "That was the whole path: signed, stored, scheduled, run, and told."
	echo "Now: build/cmd/weir start     (a shell in an instance of your own)"
	echo "     man -l man/weir.1        (the manual)"
else
	echo "Something above did not go as it should."
fi
exit "$failed"
