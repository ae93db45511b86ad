#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The journal of all jobs' events: its filters, its past, and that it goes on
# without a gap over the end of schedd and of kvsd. weir-job(1), weir-jobs(7).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-3
weir kvs get -W resource.R >"$WORK/out"

mock()
{
	weir submit --env=-* -S exec.test.run_duration=0.001s "$@" true
}

ends()
{
	A=$(mock "$@")
	weir job status "$A"
}

# ---- the past
EVENTS='submit validate depend priority alloc start finish release free clean'
run weir job journal -P
ran 0 '' '' 'nothing has happened yet'
ends && FIRST=$A
run weir job journal --past
is "$(echo "$OUT" | awk '{print $3}' | xargs)" "$EVENTS" 'the events of a job'
is "$(echo "$OUT" | awk '{print $1}' | sort -u)" "$FIRST" 'each with its id'
is "$(echo "$OUT" | cut -d' ' -f2-)" "$(weir job eventlog "$FIRST")" \
	'they are those of its eventlog'
H=$(weir submit --env=-* --urgency=0 true)
weir job urgency "$H" 0
ends --job-name=two
run weir job journal -P -e submit,clean
is "$(echo "$OUT" | awk '{print $3}' | xargs)" 'submit clean submit submit clean' \
	'only some events'
run weir job journal -P -e urgency "$FIRST" "$H"
matches "$OUT" "^$H .* urgency urgency=0 userid=$(id -u)\$" 'only some jobs'
run weir job journal -P -f json -e finish "$FIRST"
like "$OUT" "{\"id\":$(weir job id -t dec "$FIRST"),\"userid\":$(id -u),\"event\":{\"timestamp\":*,\"name\":\"finish\",\"context\":{\"status\":0}}}" \
	'as JSON'
run weir job journal -P -u 12345
ran 0 '' '' 'of another user there are none'
run weir job journal -P -q nowhere
ran 0 '' '' 'nor of another queue'
run weir job journal -P -u "$(id -u)" -e clean
is "$(echo "$OUT" | wc -l | tr -d ' ')" 2 'of this one there are'
T=$(weir job journal -P "$FIRST" | awk '$3 == "start" {print $2}')
run weir job journal -P -s "$T" "$FIRST"
is "$(echo "$OUT" | awk '{print $3}' | xargs)" 'finish release free clean' \
	'what came after a position'
is "$(weir job journal -P | awk '{print $2}' | sort | uniq -d)" '' \
	'no two events have the same time'

# ---- bad input
run weir job journal -e started
ran 1 '' '*jobs have no event "started"*' 'an event that there is not'
run weir job journal -s yesterday
like "$STATUS $ERR" "[12] *'yesterday' is no position*" 'a position that is none'
run weir job journal -c 0
like "$STATUS $ERR" "[12] *--count: '0'*" 'a count of none'
run call job-manager.journal '{"ids":["x"]}'
matches "$ERR$OUT" 'ids\[0\]: must be an integer' 'an id that is none'

# ---- as it happens
"$weir" job journal -e submit,clean >"$WORK/live" &
LIVE=$!
note_pid $LIVE
# it has begun when a job of ours shows
while ! [ -s "$WORK/live" ]; do
	ends
done
ends
timeout 100 sh -c "while ! grep -q '^$A .* clean' '$WORK/live'; do :; done"
is "$(awk -v id="$A" '$1 == id {print $3}' "$WORK/live" | xargs)" \
	'submit clean' 'an event as it happens, and the end'
kill $LIVE

# ---- no gap
N=$(weir job journal -P | wc -l)
timeout 100 "$weir" job journal -s 0 -c $((N + 800)) >"$WORK/all" &
JOURNAL=$!
note_pid $JOURNAL
weir submit --env=-* --cc=1-40 -S exec.test.run_duration=0.001s true >"$WORK/ids"
kill_schedd KILL
start_schedd
weir submit --env=-* --cc=1-40 -S exec.test.run_duration=0.001s true >>"$WORK/ids"
wait $JOURNAL
is "$?" 0 'the journal goes on with the next schedd'
xargs "$weir" job status <"$WORK/ids"
weir job journal -P | sort >"$WORK/want"
sort "$WORK/all" >"$WORK/got"
is "$(wc -l <"$WORK/got")" "$((N + 800))" 'all events have been told'
is "$(cmp "$WORK/got" "$WORK/want" 2>&1)" '' 'each once'

weir job journal -s 0 >"$WORK/all" 2>"$WORK/why" &
JOURNAL=$!
note_pid $JOURNAL
timeout 100 sh -c "while [ \$(wc -l <'$WORK/all') -lt $((N + 800)) ]; do :; done"
ends	# it is told when the past is over, and with the first position
timeout 100 sh -c "while ! grep -q '^$A .* clean' '$WORK/all'; do :; done"
kill_schedd TERM
wait $JOURNAL
matches "$(cat "$WORK/why")" '^weir-job: journal: .*; --since=[0-9.]* goes on from here$' \
	'one that ends says where'
start_schedd
ends
weir job journal -P "$(sed 's/.*\(--since=[0-9.]*\).*/\1/' "$WORK/why")" >"$WORK/rest"
is "$(awk '{print $1, $3}' "$WORK/rest" | xargs)" \
	"$(for e in $EVENTS; do echo "$A $e"; done | xargs)" 'and another goes on there'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
