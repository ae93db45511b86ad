#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir job: each subcommand but attach, which is with weir run. weir-job(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }

done_id=$(weir submit --job-name=demo hostname)
failed_id=$(weir submit sh -c 'exit 3')
weir job wait-event -q "$done_id" clean
weir job wait-event -q "$failed_id" clean
running_id=$(weir submit -t 1h sleep 100)
weir job wait-event -q "$running_id" start
held_id=$(weir submit --urgency=hold true)

# ---- eventlog, wait-event ----

run weir job eventlog "$done_id"
is "$(echo "$OUT" | cut -d' ' -f2 | tr '\n' ' ')" 'submit validate depend priority alloc start finish release free clean ' 'eventlog'
matches "$OUT" '^[0-9]+\.[0-9]{6} finish status=0$' 'as text'
run weir job eventlog -f json "$done_id"
matches "$OUT" '^\{"timestamp":[0-9.]+,"name":"finish","context":\{"status":0\}\}$' 'as JSON'
run weir job eventlog -H "$done_id"
matches "$OUT" '^\[  \+0\.[0-9]{6}\] clean$' 'for people'
run weir job eventlog -T offset "$done_id"
matches "$OUT" '^0\.000000 submit ' 'by offset'
run weir job eventlog -F "$done_id"
like "$OUT" '*clean' 'eventlog --follow ends with the job'
run weir job eventlog -p bogus "$done_id"
ran 1 '' 'weir-job: eventlog path bogus not found' 'another path'
run weir job eventlog 12345
ran 1 '' 'weir-job: f4fr: No such job' 'no such job'
run weir job eventlog -f xml "$done_id"
ran 1 '' "weir-job: --format: 'xml' *" 'another format'

run weir job wait-event "$done_id" clean
matches "$OUT" '^[0-9.]+ clean$' 'wait-event prints the event'
run weir job wait-event -q "$done_id" clean
ran 0 '' '' '--quiet does not'
run weir job wait-event -v "$done_id" priority
is "$(echo "$OUT" | wc -l)" 4 '--verbose prints those before, too'
run weir job wait-event -t 0.05 "$running_id" finish
ran 1 '' "weir-job: wait-event timeout on event 'finish'" '--timeout'
run weir job wait-event "$done_id" bogus
ran 1 '' "weir-job: event 'bogus' never received" 'an event that never comes'
run weir job wait-event -q -m status=0 "$done_id" finish
ran 0 '' '' '--match-context'
run weir job wait-event -m status=1 "$done_id" finish
ran 1 '' '*never received' 'with another value'
run weir job wait-event -q -c 2 "$done_id" submit
ran 1 '' '*never received' '--count'

# ---- status ----

run weir job status "$done_id"
ran 0 '' '' 'status'
run weir job status -v "$done_id" "$failed_id"
ran 3 '' "weir-job: fetching status for 2 jobs
weir-job: all done.
weir-job: $failed_id: exited with exit code 3" 'status -v of two'
run weir job status -j "$failed_id"
like "$OUT" '*"exception_occurred":false,*"waitstatus":768,"result":2}' 'status -j'
run weir job status 12345
ran 1 '' 'weir-job: f4fr: No such job' 'no such job'

# ---- info, namespace, id ----

run weir job info "$done_id" R
like "$OUT" '{"version":1,"execution":{"R_lite":*' 'info R'
run weir job info "$done_id" jobspec
like "$OUT" '*"hostname"*' 'info jobspec'
run weir job info "$done_id" nosuch
ran 1 '' 'weir-job: nosuch: key not found' 'a missing key'
dec=$(weir job id "$done_id")
matches "$dec" '^[0-9]+$' 'id'
for form in dec hex dothex kvs f58plain f58 emoji; do
	is "$(weir job id "$(weir job id --to=$form "$dec")")" "$dec" \
		"to $form and back"
done
is "$(printf '%s\n' "$done_id" "$dec" | weir job id | sort -u)" "$dec" \
	'ids from standard input'
run weir job id 'bogus!'
ran 1 '' 'weir-job: bogus!: malformed input' 'no id'
run weir job id --to=roman "$dec"
ran 1 '' 'weir-job: --to: roman: no such form*' 'no form'
run weir job id '👩💅📓😸👑🚓'
ran 0 6731191091817518 '' 'an id in emoji'
run weir job id --to=words "$dec"
ran 1 '' 'weir-job: --to: words: this form is not supported' \
	'--to=words is refused'
id=reform-remote-galileo--heart-package-academy
run weir job id $id
ran 1 '' "weir-job: $id: job ids in words are not supported" 'so is such an id'
run weir job namespace "$done_id"
ran 0 "job-$dec" '' 'namespace'

# ---- taskmap, timeleft ----

run weir job taskmap "$done_id"
ran 0 '[[0,1,1,1]]' '' 'taskmap'
run weir job taskmap --to=hosts "$done_id"
ran 0 "$(hostname): 0" '' 'by host'
run weir job taskmap --to=raw '[[0,2,2,1]]'
ran 0 '0-1;2-3' '' 'of a map'
run weir job taskmap --to=pmi '[[0,2,2,1]]'
ran 0 '(vector,(0,2,2))' '' 'for PMI'
run weir job taskmap --nodeid=2 '[[0,2,2,1]]'
ran 0 1 '' 'the node of a task'
run weir job taskmap --taskids=1 '[[0,2,2,1]]'
ran 0 2-3 '' 'the tasks of a node'
run weir job taskmap --ntasks=1 '[[0,2,2,1]]'
ran 0 2 '' 'how many'
run weir job taskmap --nodeid=4 '[[0,2,2,1]]'
ran 1 '' "weir-job: '4' is not from 0 to 3" 'no such task'
run weir job taskmap '[[0'
[ "$STATUS" -eq 1 ] && [ -n "$ERR" ]
ok $? 'no map'
left=$(weir job timeleft "$running_id")
[ "$left" -gt 3500 ] && [ "$left" -le 3600 ]
ok $? 'timeleft'
run weir job timeleft -H "$running_id"
like "$OUT" '*m' 'timeleft --human'
run weir job timeleft "$done_id"
ran 0 0 '' 'of a finished job'
run weir job timeleft "$held_id"
ran 1 '' "weir-job: job $held_id has not started" 'of a pending one'
unlimited=$(weir submit sleep 100)
weir job wait-event -q "$unlimited" start
run weir job timeleft "$unlimited"
ran 0 4294967295 '' 'of one without a limit'

# ---- last, list, stats ----

run weir job last
ran 0 "$unlimited" '' 'last'
run weir job last 2
ran 0 "$unlimited
$held_id" '' 'last 2'
run weir job last '[-1]'
ran 0 "$done_id" '' 'the first of all'
run weir job last '[1:3]'
ran 0 "$held_id
$running_id" '' 'a slice'
run weir job last '[::-2]'
ran 0 "$done_id
$running_id
$unlimited" '' 'backwards by two'
run weir job last x
[ "$STATUS" -eq 1 ]
ok $? 'neither number nor slice'
run weir job list
is "$(echo "$OUT" | wc -l)" 3 'list: the active ones'
run weir job list -a -c 4
is "$(echo "$OUT" | wc -l)" 4 'list -a -c'
run weir job list -s sched
matches "$OUT" '^\{"id": [0-9]+, .*"urgency": 0,.*"state": 8,' 'list -s'
run weir job list -s bogus
ran 1 '' "weir-job: invalid state 'bogus'" 'no such state'
run weir job list-inactive
is "$(echo "$OUT" | grep -c '"state": 64')" 2 'list-inactive'
run weir job list-ids "$done_id" 12345
like "$OUT" '{"id": *"name": "demo"*' 'list-ids'
ran 1 "$OUT" 'weir-job: 12345: unknown job id' 'and one that is not there'
run weir job stats
like "$OUT" '{"job_states":{*"run":2,*"inactive":2,"total":5},"successful":1,"failed":1,*' 'stats'

# ---- kill, raise, cancel ----

run weir job kill -s USR9 "$running_id"
ran 1 '' 'weir-job: kill: Invalid signal USR9' 'no such signal'
run weir job kill "$done_id"
ran 1 '' "weir-job: kill $done_id: job is inactive" 'kill an ended job'
run weir job kill "$held_id"
[ "$STATUS" -eq 1 ] && [ -n "$ERR" ]
ok $? 'kill a pending job'
run weir job kill -s KILL "$unlimited"
ran 0 '' '' 'kill'
run weir job status "$unlimited"
is "$STATUS" 137 'it dies by that signal'
run weir job raise -s 2 -t test "$done_id"
ran 1 '' "weir-job: raise $done_id: job is inactive" 'raise on an ended job'
run weir job raise -s 2 -t test "$running_id" some note
ran 0 '' '' 'raise'
run weir job wait-event -f json "$running_id" exception
like "$OUT" '*"type":"test","severity":2,"note":"some note"*' 'with type and note'
run weir job raise -s 8 "$running_id"
[ "$STATUS" -eq 1 ]
ok $? 'a severity beyond the range'
run weir job cancel -m why "$held_id" "$running_id"
ran 0 '' '' 'cancel'
run weir job status "$running_id" "$held_id"
is "$STATUS" 143 'the running one is terminated'
run weir job status -e 9 "$held_id"
is "$STATUS" 9 'the code of one that never ran'
run weir job cancel 12345
ran 1 '' 'weir-job: cancel f4fr: unknown job id' 'cancel no job'

# ---- submit ----

weir run --dry-run sh -c 'exit 4' >"$WORK/jobspec"
id=$(weir job submit "$WORK/jobspec")
run weir job status "$id"
is "$STATUS" 4 'submit a jobspec'
id=$(weir job submit <"$WORK/jobspec")
run weir job status "$id"
is "$STATUS" 4 'from standard input'
echo '{"version":0}' >"$WORK/jobspec"
run weir job submit "$WORK/jobspec"
ran 1 '' 'weir-job: version: must be an integer from 1 to 9999, got 0' 'a wrong field is named'
echo '{' >"$WORK/jobspec"
run weir job submit "$WORK/jobspec"
ran 1 '' 'weir-job: jobspec: not JSON*' 'no JSON'
run weir job submit "$WORK/nosuch"
ran 1 '' 'weir-job: */nosuch: No such file or directory' 'no file'

run weir job
[ "$STATUS" -eq 1 ]
ok $? 'no subcommand'
run weir job bogus
like "$ERR" "weir-job: unknown subcommand 'bogus'*" 'another one'

stop_instance
done_testing
