#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A wait in tap.sh that would never end ends the script that waits, tells why,
# and leaves no process behind.
# shellcheck disable=SC2016	# single quotes: the scripts expand
. "${srcdir:-.}/t/tap.sh"

TMPDIR=$WORK
export srcdir builddir TMPDIR

# hangs WHAT PATTERN COMMAND...: a script of these lines waits for WHAT; what
# it tells matches PATTERN.
hangs()
{
	what=$1
	pattern=$2
	shift 2
	{
		echo '. "$srcdir/t/tap.sh"'
		echo 'echo "$WORK" >"$1"'
		printf '%s\n' "$@"
		echo 'ok 0 "after it"'
		echo done_testing
	} >"$WORK/script"
	run env WAIT_SECONDS=1 sh "$WORK/script" "$WORK/folder"
	ran 1 '' "*script: waited 1 seconds in vain: $pattern" "$what"
	folder=$(cat "$WORK/folder")
	[ "$folder" ] && [ ! -e "$folder" ]
	ok $? 'its folder goes'
	is "$(ps -e -o args= | grep -F "$folder" | grep -v grep)" '' \
		'and so do its processes'
}

hangs 'a daemon that is never ready' \
	"sh to be ready (pid *sh -c*the end of stderr:*it tries*" \
	'start_daemon sh -c "echo it tries >&2; while :; do sleep 1000; done" "$WORK"'
hangs 'a daemon that never ends' \
	'the end of kvsd (pid *' \
	'start_kvsd' 'stop_kvsd CONT'
hangs 'a command that never ends' \
	'sh -c echo half*the end of run.out:*half*' \
	'run sh -c "echo half; sleep 1000 # $WORK"'
hangs 'an instance that never ends' \
	'the end of weir start (pid *the end of instance.err:*started kvsd*' \
	'start_instance' 'wait_instance'
run env WAIT_SECONDS=1 sh -c '. "$srcdir/t/tap.sh"
	for i in 1 2 3 4 5; do run sleep 0.5; done; sleep 3; ok 0 after
	done_testing'
ran 0 'ok 1 - after
1..1' '' 'each wait has its time, and what is none has all the time'
done_testing
