#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schedd is killed while an array goes on: no element is lost, none runs twice,
# and what is told of it is the same. weir-jobs(7), section Arrays.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-7

element()
{
	"$weir" job id --to=kvs "${ARRAY}[$1]"
}

restart()
{
	kill_schedd "$1"
	start_schedd
}

# ---- in the middle, again and again
submit_array many --array=1-2000 -S exec.test.run_duration=0.001s true
ok $? 'an array is submitted'
MANY=$KEY
i=0
for index in 40 250 700 1100 1500 1900; do
	"$weir" kvs get --waitcreate "$(element $index).eventlog" >/dev/null
	restart KILL || break
	i=$((i + 1))
done
is $i 6 'schedd is killed six times, and starts again'
wait_event clean
ok $? 'the array ends'
is "$("$weir" kvs get "$KEY.elements")" \
'{"apart":"","status":0,"completed":2000,"failed":0,"canceled":0,"timeout":0}' \
	'all elements have completed'
"$weir" kvs ls -1 "${KEY%.*}" >"$WORK/names"
grep -vc "^${KEY##*.}\$" "$WORK/names" >"$WORK/count"
is "$(cat "$WORK/count")" 2000 'each has a directory'
bad=0
for index in 1 2 39 40 41 249 250 251 252 699 700 701 956 1099 1100 1101 1356 \
	1499 1500 1501 1756 1899 1900 1901 1999 2000; do
	case $(events "$(element $index)") in
	'submit validate depend priority alloc start finish release free clean') ;;
	*) diag "element $index: $(events "$(element $index)")"; bad=1 ;;
	esac
done
ok $bad 'none ran twice'
is "$(call job-list.job-stats | sed 's/.*"successful":\([0-9]*\).*/\1/')" 2001 \
	'and the list has each once'

# ---- what holds and is held
submit_array held --array=0-99%3 -S exec.test.run_duration=1h true
HELD=$ARRAY
wait_event alloc "$(element 2).eventlog"
"$weir" cancel "${ARRAY}[50]"
wait_event clean "$(element 50).eventlog"
"$weir" job eventlog "${ARRAY}[60]" >/dev/null
"$weir" update "$ARRAY" duration=2h
submit after --dependency=afterany:"$ARRAY" true
AFTER=$KEY
list='{id} {status_abbrev} {duration}'
"$weir" jobs -no "$list" | sort >"$WORK/before"
restart KILL
ok $? 'schedd starts with an array that goes on'
"$weir" jobs -no "$list" | sort >"$WORK/after"
is "$(cat "$WORK/after")" "$(cat "$WORK/before")" 'it tells the same'
matches "$(cat "$WORK/after")" '\[3-49,51-59,61-99\] S' 'the rest waits'
"$weir" cancel "${ARRAY}[1]"
wait_event alloc "$(element 3).eventlog"
ok $? 'an element for one that goes'
is "$("$weir" jobs -no '{duration}' "${ARRAY}[3]")" 7200.0 'as updated'
restart TERM
is "$("$weir" jobs -no '{duration}' "${ARRAY}[3]")" 7200.0 'after a start, too'
"$weir" cancel "$ARRAY"
wait_event alloc "$AFTER.eventlog"
ok $? 'what depends on the array gets on when it is canceled'

# ---- without what is written of it
submit_array lost --array=1-20%2 -S exec.test.run_duration=1h true
wait_event alloc "$(element 2).eventlog"
"$weir" cancel "${ARRAY}[1]"
wait_event alloc "$(element 3).eventlog"
kill_schedd TERM
"$weir" kvs unlink "$KEY.elements"
start_schedd
ok $? 'schedd starts without the key elements'
"$weir" cancel "${ARRAY}[2]"
wait_event alloc "$(element 4).eventlog"
ok $? 'what there is of the array is not made again'
is "$(events "$(element 1)" | tr ' ' '\n' | grep -c submit)" 1 \
	'nor what has ended'
kill_schedd TERM
"$weir" kvs put "$KEY.elements=nonsense"
start_schedd
is "$("$weir" kvs ls -1 damaged >/dev/null && "$weir" dmesg |
	grep -c 'damaged: elements: not the state of this array')" 1 \
	'nonsense in that key is told'
"$weir" jobs -no '{id}' --name=lost >/dev/null
is "$("$weir" jobs -no '{state}' "${ARRAY}[4]")" RUN \
	'and its elements live on'
"$weir" cancel "${ARRAY}[3]" "${ARRAY}[4]"
wait_event clean "$(element 4).eventlog"
ARRAY=$HELD

# ---- without the records
KEY=$(kvs_key "$("$weir" job id --to=dec "$ARRAY")")
"$weir" jobs -ano "$list" --name=held | sort >"$WORK/before"
kill_schedd TERM
"$weir" kvs unlink -R ended
start_schedd
"$weir" jobs -ano "$list" --name=held | sort >"$WORK/after"
is "$(cat "$WORK/after")" "$(cat "$WORK/before")" \
	'ended arrays are read from their directories'
"$weir" job eventlog "${ARRAY}[98]" >"$WORK/log"
ok $? 'and those that were never made are told'
submit later true
ok $? 'jobs are taken'
[ "$ID" -gt "$("$weir" job id --to=dec "${ARRAY}[99]")" ]
ok $? 'with later ids'
"$weir" job purge -f "$ARRAY"
ok $? 'an array is purged'
"$weir" kvs ls "$(element 2)" >/dev/null 2>&1
[ $? -ne 0 ]
ok $? 'with its elements'
"$weir" jobs "${ARRAY}[2]" 2>"$WORK/log" >&2
matches "$(cat "$WORK/log")" 'unknown' 'which are unknown then'
is "$(events "$MANY" | wc -w)" 8 'others stay'
done_testing
