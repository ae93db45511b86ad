#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An array goes on when daemons of an instance are killed, and from one start
# of the instance to the next: each element runs once. weir-jobs(7), Arrays.
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

start_instance --statedir="$WORK/state" ||
	{ ok 1 'an instance starts'; done_testing; }
cd "$WORK" || exit 1
mkdir ran

# ---- daemons are killed
A=$(weir submit --array=1-120%4 sh -c 'echo x >>"$0/ran/$WEIR_ARRAY_INDEX"' \
	"$WORK")
ok $? 'an array is submitted'
for daemon in schedd:20 execd-0:50 kvsd:80; do
	weir kvs get --waitcreate "$(weir job id --to=kvs \
		"$A[${daemon#*:}]").eventlog" >/dev/null
	old=$(daemon_pid "${daemon%:*}")
	kill -9 "$old"
	ok $? "${daemon%:*} is killed"
done
weir job wait-event -q "$A" clean
ok $? 'the array ends'
is "$(weir jobs -no '{status}' "$A")" COMPLETED 'well'
is "$(cat ran/* | wc -l | tr -d ' ') $(find ran -type f | wc -l | tr -d ' ')" \
	'120 120' 'each element ran once'

# ---- from one start to the next
mkfifo gate
exec 4<>gate
gated='read -r line <"$0/gate"; echo "$WEIR_ARRAY_INDEX" >>"$0/order"'
B=$(weir submit --array=1-5%2 sh -c "$gated" "$WORK")
C=$(weir submit --array=1-3 --urgency=15 sh -c "$gated" "$WORK")
weir job wait-event -q "$B[2]" start && weir job wait-event -q "$B[1]" start
ok $? 'two of an array run'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
start_instance --statedir="$WORK/state"
ok $? 'another one begins with its state'
is "$(weir jobs -ano '{id} {status_abbrev}' "$B[1]" "$B[2]" | sort)" \
	"$(printf '%s\n' "$B[1] CA" "$B[2] CA" | sort)" \
	'those that ran were canceled'
for i in 1 2 3 4 5 6; do
	echo go >&4
done
weir job wait-event -q "$B" clean
ok $? 'the array ends'
is "$(weir kvs get "$(weir job id --to=kvs "$B").elements" |
	sed 's/.*\("completed.*\)/\1/')" \
	'"completed":3,"failed":0,"canceled":2,"timeout":0}' 'others ran'
weir job wait-event -q "$C" clean
is "$(weir jobs -no '{status}' "$C")" COMPLETED \
	'and an array of which all elements waited was left as it was'
is "$(sort order | xargs)" '1 2 3 3 4 5' 'each once'
stop_instance
done_testing
