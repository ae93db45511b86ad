#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Job arrays as people use them: what tasks see, where output goes, elements
# and arrays in every command. weir-submit(1), weir-jobs(7).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }
cd "$WORK" || exit 1

# ended ID
ended()
{
	weir job wait-event -q -t 60 "$1" clean
}

f58()
{
	weir job id --to=f58 "$1"
}

# ---- what tasks see
A=$(weir submit --array=1-3,7 --flags=waitable \
	--output='out-{{array}}-{{array.id.f58plain}}-{{array.index}}' \
	sh -c 'echo "$WEIR_ARRAY_ID $WEIR_ARRAY_INDEX $WEIR_JOB_ID {{array}}"
		exit $((WEIR_ARRAY_INDEX == 7))')
ended "$A"
ok $? 'an array runs'
P=$(weir job id --to=f58plain "$A")
is "$(cat "out-2-$P-2")" "$A 2 $(f58 "$A[2]") 2" \
	'environment and tags of an element'
is "$(echo out-*)" "out-1-$P-1 out-2-$P-2 out-3-$P-3 out-7-$P-7" \
	'a file for each'
weir submit --output=plain sh -c 'echo "${WEIR_ARRAY_ID-none} {{array}}"' >id
ended "$(cat id)"
is "$(cat plain)" 'none {{array}}' 'other jobs have none'

# ---- listed, waited for
is "$(weir jobs -ano '{id} {status_abbrev}' --sort=t_submit,-id "$A" "$A[7]" \
	"$A[3]" | sort)" "$(printf '%s\n' "$A[1-3,7] F" "$A[3] CD" "$A[7] F" |
	sort)" 'listings'
matches "$(weir jobs --json "$A[3]")" '"index": 3' 'as JSON'
run weir jobs "$A[4]"
matches "$ERR" "^JobID .*\[4\] unknown" 'one that is not in it'
run weir job status "$A[3]"
is "$STATUS" 0 'status of one that completed'
run weir job status "$A[7]"
is "$STATUS" 1 'of one that failed'
run weir job status "$A"
is "$STATUS" 1 'and of the array'
run weir job wait "$A[2]"
is "$STATUS" 0 'one is waited for'
run weir job wait "$A[7]"
ran 1 '' 'weir-job: task(s) exited with exit code 1' 'another'
run weir job wait "$A"
ran 1 '' 'weir-job: task(s) exited with exit code 1' 'and the whole'
run weir job attach "$A"
is "$STATUS" 1 'weir job attach gives the exit code'
run weir submit --array=1-5%2 --wait true
is "$STATUS" 0 'weir submit --wait waits for all'
run weir submit --array=1-2 --watch sh -c 'exit 3'
is "$STATUS" 3 'and gives the greatest exit code'
is "$(weir job id --to=dec "$A[7]")" \
	"$(($(weir job id --to=dec "$A") + 1024 + 7))" 'the id of an element'

# ---- attached to before its turn
mkfifo gate
exec 4<>gate
B=$(weir submit --array=1-3%1 \
	sh -c 'read -r line <gate; echo "$WEIR_ARRAY_INDEX: $line"')
weir job wait-event -q "$B[1]" start
weir job attach "$B[3]" >attached 2>&1 &
attach=$!
note_pid $attach
weir job wait-event -q "$B[3]" dependency-add
ok $? 'one that waits for its turn is attached to'
is "$(weir jobs -no '{id} {status_abbrev} {dependencies}' | sort)" \
	"$(printf '%s\n' "$B[1] R " "$B[2] S " "$B[3] D array-turn" | sort)" \
	'it does not get ahead'
for line in one two three; do
	echo $line >&4
done
await attach $attach
is "$?" 0 'it comes'
forget_pid $attach
is "$(cat attached)" '3: three' 'in its turn'
ended "$B"

# ---- signals, urgency, updates
C=$(weir submit --array=1-100%2 --urgency=hold sleep 1000)
is "$(weir jobs -no '{id} {urgency} {contextual_info}')" "$C[1-100] 0 held" \
	'an array that is held'
weir job urgency "$C" default
weir job wait-event -q "$C[2]" start && weir job wait-event -q "$C[1]" start
ok $? 'gets on when it is no more'
weir job kill -s USR1 "$C[2]"
ok $? 'one is killed'
ended "$C[2]"
run weir job attach "$C[2]"
is "$STATUS" 138 'by that signal'
weir job wait-event -q "$C[3]" start
weir job urgency "$C" hold
weir job kill -s TERM "$C"
ok $? 'all that run are'
ended "$C[1]" && ended "$C[3]"
ok $? 'and end'
is "$(weir jobs -no '{id} {contextual_info}')" "$C[4-100] held" \
	'the rest is held'
weir update "$C" duration=30m name=other
ok $? 'it is updated'
weir job urgency "$C" 16
weir job wait-event -q "$C[4]" start
is "$(weir jobs -no '{name} {duration}' "$C[4]")" 'other 1800.0' \
	'which its elements have then'
run weir job urgency "$C[50]" 31
is "$STATUS" 0 'urgency of one that is not there'
is "$(weir jobs -no '{id} {state} {urgency}' "$C[50]")" "$C[50] DEPEND 31" \
	'it has it'
run weir cancel --all
ended "$C"
ok $? 'weir cancel --all ends it'
is "$(weir jobs -n)" '' 'and all elements'
is "$(weir jobs -no '{id} {result}' "$C[50]" "$C[99]" | sort)" \
	"$(printf '%s\n' "$C[50] CANCELED" "$C[99] CANCELED" | sort)" \
	'each was canceled'
run weir queue idle
is "$STATUS" 0 'the queue is idle'

D=$(weir submit --array=1-9 sleep 1000)
weir job wait-event -q "$D" alloc
is "$(weir jobs -no '{id} {state}' "$D")" "$D[1-9] RUN" \
	'an array of which all elements were made runs'
weir job urgency "$D" hold
is "$(weir jobs -no '{urgency}' -f pending | sort -u)" 0 \
	'and is held as far as it waits'
weir cancel "$D"
ended "$D"

# ---- other ways to submit
weir batch --array=4-5 -n1 --output='batch-{{array}}' \
	--wrap 'echo "batch $WEIR_ARRAY_INDEX $(weir resource list -no "{ncores}" -s up)"' >id 2>err
ended "$(cat id)"
matches "$(cat batch-4 batch-5 2>&1)" '^batch 5' 'weir batch --array'
weir bulksubmit --array=1-2 --output='bulk-{{{{array}}}}-{}' echo '{}' ::: a b >ids
while read -r id; do
	ended "$id"
done <ids
is "$(cat bulk-*)" "$(printf 'a\nb\na\nb')" 'weir bulksubmit --array'
run weir submit --array=1-3 --cc=1-2 --job-name=s --dependency=singleton \
	--wait true
is "$STATUS" 0 '--cc, and one array after the other'
weir submit --dependency=afterok:"$A[3]" --wait true >id
is "$?" 0 'after an element'
run weir submit --dependency=afterok:"$A[4]" true
ran 1 '' '*job not found*' 'not after one that is not there'
matches "$(weir submit --dry-run --array=1-9:2%3 true)" '"array": "1-9:2%3"' \
	'--dry-run'

# ---- bad input
refused()
{
	run weir submit --array="$1" true
	ran 1 '' "weir-submit: ERROR: --array: '$1': $2" "--array=$1"
}

refused '' '*want a number*'
refused a '*want a number*'
refused 1- '*want a number*'
refused -1 '*want a number*'
refused 5-1 '*ends before it begins'
refused 1-5,3 '*overlaps*'
refused 1-1000000000 '*at most 16776191*'
refused 1-4:0 '*step*'
refused 1-4%0 '*must be 1 or more'
refused 1-4%-2 '*want a number*'
refused 1-4%x '*want a number*'
run weir submit -S array=1-3,2 true
ran 1 '' '*attributes.system.array: *overlaps*' 'by attribute'
run weir submit -S array=5 true
ran 1 '' '*attributes.system.array: must be a string*' 'a number'
run weir run --array=1-2 true
is "$STATUS" 2 'weir run has no arrays'
for bad in "$A[" "$A]" "$A[]" "$A[x]" "$A[-1]" "$A[16776192]" "f1[1]" "[1]"; do
	run weir job id "$bad"
	is "$STATUS" 1 "no id: $bad"
done
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
done_testing
