#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Job arrays as schedd sees them: elements that are made when they are needed,
# counted when they end, named one by one. weir-jobs(7), section Arrays.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-3
MOCK='-S exec.test.run_duration=0.001s'
LONG='-S exec.test.run_duration=1h'

# array NAME SPEC ARGUMENT...
array()
{
	array_spec=$2
	array_name=$1
	shift 2
	# shellcheck disable=SC2086
	submit_array "$array_name" --array="$array_spec" "$@" true
}

# The key of element $1 of ARRAY.
element()
{
	"$weir" job id --to=kvs "${ARRAY}[$1]"
}

# An attribute of a job in any form: attribute ID NAME
attribute()
{
	call job-list.list-id "{\"id\":$("$weir" job id --to=dec "$1"),\
\"attrs\":[\"$2\"]}" | sed -n "s/.*\"$2\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p" |
		tr -d '"'
}

# ---- from the first to the last
# shellcheck disable=SC2086
array short 1-600 $MOCK
ok $? 'an array of 600 is submitted'
wait_event clean
ok $? 'it ends'
is "$(events "$KEY")" \
	'submit validate depend priority alloc start finish clean' 'its events'
is "$(attribute "$ARRAY" result)" 1 'it has completed'
for i in 1 300 600; do
	is "$(events "$(element $i).eventlog" 2>/dev/null)$(events "$(element $i)")" \
	'submit validate depend priority alloc start finish release free clean' \
	"events of element $i"
done
is "$(call job-list.job-stats | sed 's/.*"successful":\([0-9]*\).*/\1/')" 601 \
	'601 jobs have completed'
is "$("$weir" kvs get "$KEY.elements")" \
'{"apart":"","status":0,"completed":600,"failed":0,"canceled":0,"timeout":0}' \
	'the counts are in the store'
is "$("$weir" kvs get "$(element 7).jobspec" | cksum)" \
	"$("$weir" kvs get "$KEY.jobspec" | cksum)" 'elements have the jobspec'
is "$("$weir" kvs readlink "$(element 7).J")" "$KEY.J" 'as a link'
"$weir" job eventlog "${ARRAY}[9]" >"$WORK/log" 2>&1
matches "$(cat "$WORK/log")" 'clean' 'weir job eventlog of an element'
"$weir" job eventlog "${ARRAY}[601]" >"$WORK/log" 2>&1
[ $? -ne 0 ]; ok $? 'but of none that the array does not have'
"$weir" job eventlog "${ARRAY}[0]" >"$WORK/log" 2>&1
[ $? -ne 0 ]; ok $? 'nor of one before it'

# ---- what was canceled before its turn takes no place
submit_array gaps --array=1-9%1 -S exec.test.run_duration=0.001s \
	--urgency=hold true
"$weir" cancel "${ARRAY}[2]" "${ARRAY}[3]" "${ARRAY}[9]"
"$weir" job urgency "$ARRAY" default
wait_event clean
is "$("$weir" kvs get "$KEY.elements")" \
'{"apart":"","status":0,"completed":6,"failed":0,"canceled":3,"timeout":0}' \
	'an array of which some were canceled before ends'

# ---- a limit
# shellcheck disable=SC2086
array limited 0-9%2 $LONG
wait_event alloc "$(element 0).eventlog" &&
	wait_event alloc "$(element 1).eventlog"
ok $? 'two of a limit of two get resources'
is "$("$weir" jobs -no '{id} {status_abbrev}' --name=limited | sort | xargs)" \
	"${ARRAY}[0] R ${ARRAY}[1] R ${ARRAY}[2-9] S" 'the rest is a line'
is "$("$weir" kvs ls -d "$(element 2)" 2>&1 | grep -c 'No such\|not found')" 1 \
	'and no job'
"$weir" cancel "${ARRAY}[0]"
wait_event alloc "$(element 2).eventlog"
ok $? 'one goes, the next comes'
is "$(attribute "${ARRAY}[0]" result)" 4 'one that is canceled'

# ---- an element is named before its turn
"$weir" cancel "${ARRAY}[7]"
ok $? 'one that is not there yet is canceled'
wait_event clean "$(element 7).eventlog"
is "$(events "$(element 7)")" \
	'submit dependency-add validate exception clean' 'its events'
is "$("$weir" jobs -no '{id} {status_abbrev}' --name=limited | sort | xargs)" \
	"${ARRAY}[1] R ${ARRAY}[2] R ${ARRAY}[3-6,8-9] S" 'none came in its place'
is "$(attribute "${ARRAY}[8]" state)" 8 'one that is not there has a state'
submit after8 --dependency=afterany:"${ARRAY}[8]" true
ok $? 'and others may depend on it'
is "$(events "$(element 8)")" 'submit dependency-add validate' \
	'it is there then, and waits for its turn'
AFTER8=$KEY
KEY=$(kvs_key "$("$weir" job id --to=dec "$ARRAY")")

# ---- the whole
submit afterok --dependency=afterok:"$ARRAY" true
AFTEROK=$KEY
submit afterany --dependency=afterany:"$ARRAY" true
AFTERANY=$KEY
KEY=$(kvs_key "$("$weir" job id --to=dec "$ARRAY")")
"$weir" cancel "$ARRAY"
ok $? 'the array is canceled'
wait_event clean
ok $? 'it ends'
is "$(events "$KEY")" 'submit validate depend priority exception clean' \
	'its events'
for i in 1 2 8; do
	wait_event clean "$(element $i).eventlog"
	is "$(attribute "${ARRAY}[$i]" result)" 4 "element $i is canceled"
done
is "$(attribute "${ARRAY}[9]" result) $(attribute "${ARRAY}[9]" state)" '4 64' \
	'one that never was is told as canceled'
"$weir" job eventlog "${ARRAY}[9]" >"$WORK/log"
is "$(awk '{print $2}' "$WORK/log" | xargs)" "$(events "$KEY")" \
	'with the events of the array'
"$weir" cancel "${ARRAY}[9]" 2>"$WORK/log"
matches "$(cat "$WORK/log")" 'inactive' 'it cannot be canceled'
wait_event exception "$AFTEROK.eventlog"
ok $? 'afterok of it cannot hold'
wait_event alloc "$AFTERANY.eventlog" && wait_event alloc "$AFTER8.eventlog"
ok $? 'afterany of it does, and of an element'

done_testing
