#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir event pub and sub. weir-event(1).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }
mkfifo "$WORK/events"

# A subscriber says nothing when it has begun: publish until it hears. Sets
# SUB_PID; its lines come from descriptor 5.
subscribe()
{
	"$builddir/cmd/weir" event sub "$@" test.begin >"$WORK/events" \
		2>"$WORK/sub.err" &
	SUB_PID=$!
	note_pid $SUB_PID
	exec 5<"$WORK/events"
	while :; do "$builddir/cmd/weir" event pub test.begin; done &
	publisher=$!
	IFS= read -r line <&5
	kill $publisher
	wait $publisher 2>/dev/null
}

# The next line that is not from the beginning.
heard()
{
	line=test.begin
	while [ "${line#test.begin}" != "$line" ]; do
		IFS= read -r line <&5 || return
	done
}

tab=$(printf '\t')
subscribe foo. bar
run weir event pub foo.a '{"x":1}'
ran 0 '' '' 'pub'
run weir event pub other
run weir event pub foo.b
run weir event pub -r foo.c raw text
run weir event pub barber '"said"'
heard; is "$line" "foo.a$tab{\"x\":1}" 'topic and payload'
heard; is "$line" "foo.b$tab" 'no payload: the tab is there'
heard; is "$line" "foo.c${tab}raw text" 'words are joined, as they are'
heard; is "$line" "barber$tab\"said\"" 'a second prefix, by characters'
kill $SUB_PID
wait $SUB_PID
is $? 143 'sub ends by a signal'
exec 5<&-

run weir event pub -s foo.a
matches "$STATUS $OUT" '^0 seq=[0-9]+$' 'pub --synchronous'
first=${OUT#seq=}
run weir event pub -s foo.a
is "$OUT" "seq=$((first + 1))" 'numbers are consecutive'
run weir event pub -l foo.a '{}'
ran 0 '' '' 'pub --loopback'
run weir event pub -p foo.a
ran 0 '' '' 'pub --private'

# As many as there are prefixes get the event, once each.
"$builddir/cmd/weir" event sub -c 2 >"$WORK/events" &
SUB_PID=$!
note_pid $SUB_PID
exec 5<"$WORK/events"
while weir kvs put n=1 && kill -0 $SUB_PID 2>/dev/null; do
	weir event pub all.of 1
done
wait $SUB_PID
is $? 0 'sub --count ends'
is "$(cat <&5)" "all.of${tab}1
all.of${tab}1" 'without a topic: all'
exec 5<&-

run weir event pub foo.a not json
ran 1 '' 'weir-event: the payload is not JSON (column *); use --raw*' \
	'a payload that is not JSON'
run weir event pub
ran 1 '' 'Usage: weir event pub *' 'no topic'
run weir event sub -c x
ran 1 '' "weir-event: --count: 'x' is no number*" 'a wrong count'
run weir event
is "$STATUS" 1 'no subcommand'
stop_instance
run env WEIR_URI="local://$WORK/none" "$builddir/cmd/weir" event sub
ran 1 '' 'weir-event: unable to connect to the instance: *' 'no instance'

# What happens to a subscriber when the instance ends.
start_instance
subscribe foo
stop_instance
wait $SUB_PID
is $? 1 'the instance ended: exit code'
is "$(cat "$WORK/sub.err")" 'weir-event: connection to the instance lost' \
	'and a message'
done_testing
