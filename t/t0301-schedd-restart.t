#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schedd killed, kvsd killed: everything goes on from what is in the store.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
wait_up=$("$weir" kvs get -W resource.R)

submit ended -S exec.test.run_duration=0.01s true
ENDED=$KEY
wait_event clean
submit running true
RUN_KEY=$KEY RUN=$ID
report 0 start '{"pid":1}'
wait_event start
submit dying true
DYING=$ID
report 0 start '{"pid":2}'
wait_event start
call job-manager.raise "{\"id\":$ID,\"type\":\"cancel\",\"severity\":0}" >"$WORK/out"
submit waiting true
WAITING=$ID
submit mock --urgency=1 -S exec.test.run_duration=0.01s true
MOCK=$KEY MOCK_ID=$ID
J=$("$weir" kvs get $KEY.J)
before=$(call job-list.list '{"attrs":["all"]}')

kill_schedd KILL
# what makes no sense is no reason not to start
"$weir" kvs put job.0000.0000.0000.0001.eventlog=rubbish
"$weir" kvs put job.0000.0000.0000.0002.jobspec='{}'
"$weir" kvs put job.nonsense=1
"$weir" kvs put 'exec.0.12345.order=left behind'
start_schedd
ok $? 'a killed schedd starts again'
is "$(call job-list.list '{"attrs":["all"]}')" "$before" 'and knows the same'
matches "$(cat "$WORK/stderr")" 'job.0000.0000.0000.0001: damaged: ' \
	'a damaged directory is told'
is "$("$weir" kvs get exec.0.12345.order 2>/dev/null)" '' 'an orphan is removed'
is "$(call job-ingest.submit "{\"J\":\"$J\"}")" "{\"id\":$MOCK_ID}" \
	'a request still counts once'
is "$("$weir" kvs eventlog get -u exec.0.$DYING.order | grep -c '"signum":15')" 2 \
	'what was being killed is told again'

ID=$RUN KEY=$RUN_KEY
report 0 finish '{"status":0}'
wait_event clean
ok $? 'a running job ends as if nothing had happened'
is "$(events $KEY)" 'submit validate depend priority alloc start finish release free clean' \
	'with each event once'
KEY=$(kvs_key $WAITING)
wait_event alloc
ok $? 'the next one gets its core'

# ---- kvsd dies: schedd starts itself anew, under the same pid
stop_kvsd KILL
start_kvsd
ok $? 'kvsd is killed and started again'
ID=$DYING KEY=$(kvs_key $DYING)
report 0 finish '{"status":15}'
wait_event clean
ok $? 'schedd has found it'
ok $(kill -0 $SCHEDD_PID; echo $?) 'and is the same process'
wait_event clean $MOCK.eventlog
ok $? 'the queue goes on'
submit after --urgency=31 true
ok $? 'new jobs are taken'
ok $([ "$ID" -gt "$WAITING" ]; echo $?) 'with a greater id'
is "$(field ended result)" 1 'what ended is remembered'

# ---- a transaction that kvsd refuses does not come again and again
KEY=$(kvs_key $WAITING) ID=$WAITING
"$weir" kvs namespace remove "job-$WAITING"
report 0 finish '{"status":0}'
wait_event clean
ok $? 'a job ends even if its namespace is gone'
matches "$(cat "$WORK/stderr")" 'starting anew: a transaction was refused' \
	'after schedd has started anew'

# ---- a node that went while schedd was not looking
submit lost true
wait_event alloc
kill_schedd KILL
"$weir" kvs unlink node.0.info
start_schedd
wait_event clean
matches "$("$weir" kvs eventlog get -u $KEY.eventlog)" 'lost contact with rank 0' \
	'its jobs are lost with it'
is "$(field lost waitstatus)" 9 'status 9'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
