#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ended jobs: a start reads their records instead of their directories. What is
# damaged is told, set aside, and keeps nothing from starting.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
"$weir" kvs get -W resource.R >"$WORK/out"

all()
{
	call job-list.list '{"attrs":["all"]}'
}

restart()
{
	kill_schedd "$1"
	: >"$WORK/stderr"
	start_schedd
}

ends()
{
	submit "$@" && wait_event clean
}

MOCK='exec.test.run_duration=0.001s'
ends plain -S "$MOCK" true
PLAIN=$ID PLAIN_KEY=$KEY J=$("$weir" kvs get "$KEY.J")
ends 'two words = 100% {3}' -S "$MOCK" true
ends noted -S "$MOCK" true
submit held --urgency=0 true
HELD=$ID HELD_KEY=$KEY
submit canceled --urgency=0 true
call job-manager.memo "{\"id\":$ID,\"memo\":{\"text\":\"one\\ntwo\"}}" >"$WORK/out"
call job-manager.raise "{\"id\":$ID,\"type\":\"cancel\",\"severity\":0,\"note\":\"no more\"}" >"$WORK/out"
wait_event clean
submit lines --urgency=0 true
LINES_KEY=$KEY
call job-manager.raise "{\"id\":$ID,\"type\":\"cancel\",\"severity\":0,\"note\":\"one\\ntwo\"}" >"$WORK/out"
wait_event clean

records()
{
	for chunk in $("$weir" kvs ls -1 ended); do
		"$weir" kvs get "ended.$chunk"
	done
}

is "$(records | grep -c '^job ')" 4 \
	'a record for each job that ended, but one whose note is two lines'
before=$(all)
restart KILL
is "$(all)" "$before" 'all that is told of them is the same after a restart'
is "$(call job-ingest.submit "{\"J\":\"$J\"}")" "{\"id\":$PLAIN}" \
	'a request whose job has ended still counts once'

# ---- the records are what is read, and no more than that
"$weir" kvs put "$PLAIN_KEY.jobspec=rubbish"
restart TERM
is "$(all)" "$before" 'directories with a record are not read'
is "$(cat "$WORK/stderr" | grep -c 'left out\|damaged')" 0 'nothing is amiss'
chunk=$("$weir" kvs ls -1 ended | head -n 1)
{ "$weir" kvs get "ended.$chunk" | sed '2,4d;/^$/d'; printf 'job 1 2 3\nrubbish\n'
  "$weir" kvs get "ended.$chunk" | sed -n 1p; printf 'job 17 half a li'; } >"$WORK/chunk"
"$weir" kvs put --raw "ended.$chunk=-" <"$WORK/chunk"
restart KILL
is "$(all)" "$before" 'jobs whose record is lost are read from their directories'
is "$(grep -c "ended.$chunk: a line is left out" "$WORK/stderr")" 2 \
	'lines that make no sense are told'
"$weir" kvs unlink -R ended
restart KILL
like "$(all)" '*"name":"noted"*' 'all records may be lost'

# ---- a directory that makes no sense
is "$("$weir" kvs get "damaged${PLAIN_KEY#job}.jobspec")" rubbish \
	'a damaged directory is set aside'
matches "$(cat "$WORK/stderr")" "$PLAIN_KEY: damaged: .*; it is now damaged${PLAIN_KEY#job}" \
	'and told'
run weir kvs get "$PLAIN_KEY.jobspec"
ran 1 '' '*' 'it is among the jobs no more'
"$weir" kvs put "$HELD_KEY.eventlog=rubbish"
restart TERM
matches "$(cat "$WORK/stderr")" "$HELD_KEY: damaged: " 'also of an active job'
is "$(field held id)" '' 'which is gone'
restart TERM
is "$(grep -c damaged "$WORK/stderr")" 0 'the next start knows nothing of it'
ends after --urgency=31 -S "$MOCK" true
ok $? 'new jobs are taken'
ok $([ "$ID" -gt "$HELD" ]; echo $?) 'with a greater id'

# ---- purge
restart TERM
ends last -S "$MOCK" true
matches "$("$weir" kvs ls -1 ended | wc -l)" '^ *[2-9]' 'records in several values'
call job-manager.purge '{"num_limit":1,"force":true}' >"$WORK/out"
is "$("$weir" kvs ls -1 ended | wc -l | tr -d ' ')" 1 \
	'values of whose jobs none is left are removed'
restart TERM
is "$(field last name)" last 'the one that was left is known'
is "$(call job-list.list '{}' | grep -o '"id"' | wc -l | tr -d ' ')" 1 'and no other'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
