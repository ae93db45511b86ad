#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schedd: jobs through all states, on nodes that exist on paper only.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing

"$builddir/schedd/schedd" --uri="$WEIR_URI" --ready-fd=1 >"$WORK/out"
is "$?" 1 'a second schedd does not start'
matches "$(cat "$WORK/out")" 'another schedd serves this instance' 'and says why'
is "$("$builddir/schedd/schedd" --uri="$WEIR_URI" -n; echo $?)" 0 '-n checks'

# ---- no nodes yet
submit one -n1 true
ok $? 'a job is taken while there are no nodes'
is "$(events $KEY)" 'submit validate depend priority' 'it waits'
is "$(field one state)" 8 'in state SCHED'
ok $([ -n "$("$weir" kvs get $KEY.J)" ]; echo $?) 'its envelope is stored'
matches "$("$weir" kvs get $KEY.jobspec)" '"command": ?\["true"\]' \
	'so is its jobspec'

# ---- a node comes
node_up 0
wait_event alloc
ok $? 'a node comes, it gets resources'
matches "$("$weir" kvs get $KEY.R)" \
	'"R_lite":\[\{"rank":"0","children":\{"core":"0"\}\}\],"nodelist":\["n0"\]' \
	'R says which'
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	'"alloc","context":\{"annotations":\{"sched":\{"resource_summary":"rank0/core0"\}\}\}' \
	'so do the annotations'
matches "$("$weir" kvs eventlog get -u exec.0.$ID.order)" \
	"\"assign\",\"context\":\{\"id\":$ID,\"userid\":$(id -u),\"R\":\{.*\},\"nnodes\":1,\"ntasks\":1,\"kill-timeout\":5,\"taskmap\":\[\[0,1,1,1\]\],\"node\":0\}" \
	'the node has its order'
is "$("$weir" kvs readlink $KEY.guest)" "job-$ID::." 'the namespace is there'
is "$("$weir" kvs get $KEY.guest.output)" 'output 1 1' 'with the output'"'"'s head'
matches "$("$weir" kvs get resource.R)" '"rank":"0","children":\{"core":"0-1"\}' \
	'the inventory is written'
matches "$(call resource.sched-status)" \
	'"allocated":\{.*"rank":"0","children":\{"core":"0"\}' \
	'resource.sched-status tells what is used'

# ---- it runs
report 0 start '{"pid":7}'
wait_event start
ok $? 'the node reports, the job starts'
is "$(field one state)" 16 'in state RUN'
"$weir" kvs put -N "job-$ID" mark=left
report 0 finish '{"status":768}'
wait_event clean
ok $? 'the node reports the end, the job ends'
is "$(events $KEY)" 'submit validate depend priority alloc start finish release free clean' \
	'these are its events'
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	'"finish","context":\{"status":768\}' 'with the status'
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	'"release","context":\{"ranks":"all","final":true\}' 'all is released'
is "$("$weir" kvs get $KEY.guest.mark)" left 'its namespace is adopted'
is "$("$weir" kvs namespace list | grep -c '^job-')" 0 'and gone'
is "$("$weir" kvs ls exec.0 2>/dev/null)" '' 'so is the assignment'
is "$(field one waitstatus) $(field one result) $(field one success)" \
	'768 2 false' 'listings know how it ended'

# ---- refusals
submit big -n3 true
is "$?" 1 'a job that can never run is refused'
matches "$(cat "$WORK/refused")" \
	'unsatisfiable request: 3 cores are needed, the instance has 2' 'with the reason'
submit bad -S exec.test.run_duration=soon true
matches "$(cat "$WORK/refused")" \
	'attributes.system.exec.test.run_duration: must be a duration' \
	'an error names the field'
submit bad --signal=USR9 true
matches "$(cat "$WORK/refused")" "ERROR: --signal: 'USR9' is no signal" 'no signal'
submit bad --signal=@x true
matches "$(cat "$WORK/refused")" 'ERROR: --signal: ' 'no time'
submit bad -o signal.signum=0 true
matches "$(cat "$WORK/refused")" 'shell.options.signal: must be' 'nor by setopt'
submit bad --urgency=32 true
matches "$(cat "$WORK/refused")" 'urgency range is \[0:31\]' 'urgency has a range'
again=$("$weir" kvs get $KEY.J)
is "$(call job-ingest.submit "{\"J\":\"$again\"}")" "{\"id\":$ID}" \
	'a request counts once, whoever asks again gets its id'
call job-ingest.submit '{"J":"a.b.c"}' 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EINVAL: ' 'rubbish is refused'
call job-ingest.submit '[' 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EPROTO: the payload' 'so is what is no JSON'
for method in raise kill urgency memo update raiseall killall queue-list \
	queue-status queue-enable queue-start queue-drain queue-idle wait purge; do
	for rubbish in '[' '[]' '{"id":"x"}' '{"id":-1,"all":7,"ids":{},"userid":"x"}' ''; do
		timeout 10 "$builddir/t/tool/call" "job-manager.$method" "$rubbish" \
			>>"$WORK/rubbish" 2>&1 || :
	done
done
is "$(grep -Ecv '^(EPROTO|EINVAL|ENOENT|ECHILD): |^[{]"(queues|pending|count|name)"' "$WORK/rubbish")" 0 \
	'so is what no method can take' || diag "$(cat "$WORK/rubbish")"
call job-ingest.nothing '{}' 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^ENOSYS: ' 'and an unknown method'

# ---- order of the queue
submit all -n2 true
ALL=$ID
submit low --urgency=1 true
LOW=$KEY
submit high --urgency=20 true
HIGH=$KEY
submit held --urgency=0 true
HELD=$ID
is "$(call job-list.list '{"states":14,"attrs":["name"]}' |
	grep -o '"name":"[a-z]*"' | cut -d'"' -f4 | xargs)" 'high low held' \
	'pending jobs are listed by priority'
ID=$ALL
report 0 finish '{"status":0}'
wait_event alloc $HIGH.eventlog && wait_event alloc $LOW.eventlog
ok $? 'both get resources, as they have room'
is "$(field held state)" 8 'urgency 0 is held'
call job-manager.urgency "{\"id\":$ID,\"urgency\":7}" 2>"$WORK/refused"
is "$(cat "$WORK/refused")" 'EINVAL: job is inactive' 'an ended job keeps its urgency'
submit later --urgency=0 true
LATER=$ID
call job-manager.urgency "{\"id\":$ID,\"urgency\":7}" >"$WORK/out"
is "$(events $KEY)" 'submit validate depend priority urgency priority' \
	'urgency may change'
is "$(field later priority)" 7 'and with it the priority'
call job-manager.urgency "{\"id\":$ID,\"urgency\":0}" >"$WORK/out"
call job-manager.urgency "{\"id\":$ID,\"urgency\":32}" 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EINVAL: urgency range' 'within its range'
call job-manager.raise "{\"id\":$LATER,\"type\":\"cancel\",\"severity\":0}" >"$WORK/out"
ID=$ALL

# ---- cancel
call job-manager.raise "{\"id\":$HELD,\"type\":\"cancel\",\"severity\":0,\"note\":\"not \\\"now\\\"\"}" >"$WORK/out"
is "$(cat "$WORK/out")" '{}' 'a waiting job is canceled'
KEY=$(kvs_key $HELD)
wait_event clean
is "$(events $KEY)" 'submit validate depend priority exception clean' 'and ends at once'
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	"\"exception\",\"context\":\{\"type\":\"cancel\",\"severity\":0,\"note\":\"not .\"now.\"\",\"userid\":$(id -u)\}" \
	'the exception says by whom and why'
call job-manager.raise "{\"id\":$HELD,\"type\":\"cancel\",\"severity\":0}" 2>"$WORK/refused"
is "$(cat "$WORK/refused")" 'EINVAL: job is inactive' 'an ended job is not'
call job-manager.raise "{\"id\":$HELD,\"type\":\"two words\"}" 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EINVAL: type: must be a word' 'a type is a word'
call job-manager.raise "{\"id\":$HELD,\"type\":\"x\",\"note\":\"$(printf '%016385d' 0)\"}" 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EINVAL: note: must have at most' 'a note has a limit'
call job-manager.raise '{"id":1,"type":"cancel","severity":0}' 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^ENOENT: ' 'nor one that does not exist'
ID=$(field high id) KEY=$HIGH
report 0 start '{"pid":8}'
call job-manager.kill "{\"id\":$ID,\"signum\":10}" >"$WORK/out"
matches "$("$weir" kvs eventlog get -u exec.0.$ID.order)" \
	'"signal","context":\{"signum":10\}' 'kill sends a signal'
call job-manager.raise "{\"id\":$ID,\"type\":\"cancel\",\"severity\":0}" >"$WORK/out"
matches "$("$weir" kvs eventlog get -u exec.0.$ID.order)" \
	'"signal","context":\{"signum":15\}' 'a running job gets SIGTERM'
is "$(field high state)" 32 'and is in state CLEANUP'
is "$("$weir" kvs eventlog get -u -w -c4 exec.0.$ID.order | tail -n1 |
	sed 's/.*context"://')" '{"signum":9}}' 'then SIGKILL'
report 0 finish '{"status":15}'
wait_event clean
is "$(field high waitstatus) $(field high result)" '15 4' 'it was canceled'

# ---- failures
ID=$(field low id) KEY=$LOW
report 0 exception '{"type":"exec","severity":0,"note":"no such file","wait_status":32512}'
report 0 finish '{"status":0}'
wait_event clean
is "$(field low waitstatus) $(field low result) $(field low exception_type)" \
	'32512 2 exec' 'an exception of the node gives the status'
submit quick -t 1s --signal=USR2@0.9s sleep 9
wait_event signal exec.0.$ID.order
is "$("$weir" kvs eventlog get -u exec.0.$ID.order | tail -n1 |
	sed 's/.*context"://')" '{"signum":12}}' 'a warning comes before the limit'
wait_event exception
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	'"type":"timeout","severity":0,"note":"resource allocation expired"' \
	'time limits are kept'
is "$("$weir" kvs eventlog get -u -w -c3 exec.0.$ID.order | tail -n1 |
	sed 's/.*context"://')" '{"signum":14}}' 'with SIGALRM'
report 0 finish '{"status":14}'
wait_event clean
is "$(field quick result)" 8 'its result is timeout'

# ---- two nodes
node_up 1
submit wide -N2 true
wait_event alloc
is "$(field wide nodelist)" 'n[0-1]' 'a job gets two nodes'
report 0 start '{"pid":9}'
report 1 start '{"pid":9}'
wait_event start
report 1 finish '{"status":256}'
"$weir" kvs unlink node.0.info
wait_event clean
ok $? 'a node is lost, the job ends'
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" \
	'"type":"exec","severity":0,"note":"lost contact with rank 0 \(n0\)"' \
	'with an exception'
is "$(field wide waitstatus)" 256 'the greatest status counts'
matches "$(call resource.sched-status)" '"down":\{[^}]*"rank":"0"' \
	'the node is down'

# ---- mock execution
submit mock -n2 -S exec.test.run_duration=0.01s true
wait_event clean
ok $? 'a mock job ends by itself'
is "$(events $KEY)" 'submit validate depend priority alloc start finish release free clean' \
	'with all events'
is "$(field mock ranks) $(field mock result)" '1 1' 'on the node that is up'
submit mock2 -t 0.05s -S exec.test.run_duration=1h true
wait_event clean
is "$(field mock2 result)" 8 'its time limit counts'

# ---- information
is "$(call job-manager.ping '{"x":1}')" '{"x":1}' 'job-manager.ping'
matches "$(call job-list.job-stats)" \
	'"inactive":10.*"successful":2,"failed":3,"canceled":3,"timeout":2' 'job-stats counts'
is "$(call job-list.list-id "{\"id\":$ID,\"attrs\":[\"name\"]}")" \
	"{\"job\":{\"id\":$ID,\"name\":\"mock2\"}}" 'list-id'
matches "$(call job-list.list '{"attrs":["nothing"]}' 2>&1)" \
	'EINVAL: attrs: there is no attribute "nothing"' 'an unknown attribute is refused'
is "$(call job-list.list '{"results":4,"attrs":["name"]}' |
	grep -o '"name":"[a-z]*"' | cut -d'"' -f4 | xargs)" 'high held later' \
	'ended jobs are listed by result, the newest first'
matches "$(call job-info.lookup "{\"id\":$ID,\"keys\":[\"jobspec\",\"R\"]}")" \
	"^\{\"id\":$ID,\"jobspec\":\".*\",\"R\":\"" 'job-info.lookup'
matches "$(call job-info.lookup "{\"id\":$ID,\"keys\":[\"guest\"]}" 2>&1)" \
	'^EINVAL: ' 'of the keys that it may give'
is "$(call -s job-info.eventlog-watch "{\"id\":$ID,\"path\":\"eventlog\"}" |
	grep -c '^{"event":"{')" 11 'job-info.eventlog-watch'

submit watched --urgency=0 true
call -s job-info.eventlog-watch "{\"id\":$ID,\"path\":\"eventlog\"}" >"$WORK/watched" 2>&1 &
note_pid $!
call job-manager.ping >"$WORK/out"
kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
