#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an execd reports by a call: answered once it is durable, taken once
# however often it is told, kept where a restart finds it.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

# frame WORD... PAYLOAD: appended to $FRAMES
frame()
{
	for frame_payload; do :; done
	while [ $# -gt 1 ]; do
		FRAMES="$FRAMES$1 "
		shift
	done
	FRAMES="$FRAMES{$(printf %s "$frame_payload" | wc -c)}
$frame_payload
"
}

# event NAME CONTEXT: a line of an eventlog; in $LINE
event()
{
	LINE="{\"timestamp\":1.5,\"name\":\"$1\",\"context\":$2}
"
}

# tell: sends $FRAMES
tell()
{
	run "$builddir/t/tool/call" job-manager.report "$FRAMES"
	FRAMES=
}

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'schedd starts'
node_up 0

# ---- one that ends at once
submit short true
wait_event alloc
event start '{"pid":7}'
START=$LINE
event finish '{"status":256}'
FINISH=$LINE
FRAMES=
frame report 0 $ID 0 "$START"
frame report 0 $ID 1 "$FINISH"
TOLD=$FRAMES
tell
ran 0 '{}' '' 'a start and an end are told at once'
is "$(events $KEY)" 'submit validate depend priority alloc start finish release free clean' \
	'when that is answered the job has ended'
is "$("$weir" kvs ls exec.0 2>/dev/null)" '' 'and nothing was left behind'
FRAMES=$TOLD
tell
ran 0 '{}' '' 'told again it is known'
is "$(events $KEY | wc -w)" 10 'and its events count once'
# what execd does if it got no answer
report 0 finish '{"status":256}'
tries=0
while [ "$("$weir" kvs ls exec.0 2>/dev/null)" ] && [ $tries -lt 1000 ]; do
	tries=$((tries + 1))
	call job-manager.ping '{}' >"$WORK/out"
done
is "$("$weir" kvs ls exec.0 2>/dev/null)" '' 'a late report of it is removed'

# ---- one that goes on
submit long true
wait_event alloc
frame report 0 $ID 0 "$START"
tell
ran 0 '{}' '' 'a start is told'
is "$("$weir" kvs get exec.0.$ID.report)" "$(printf %s "$START")" \
	'the report is kept, since the job goes on'
wait_event start
ok $? 'and the job has started'
frame report 0 $ID 3 "$FINISH"
tell
ran 1 '' 'EAGAIN: an earlier report is missing*' 'a gap is noticed'
kill_schedd KILL
start_schedd
ok $? 'schedd dies and starts again'
frame report 0 $ID 0 "$START"
tell
ran 0 '{}' '' 'a report from before is known'
report 0 start '{"pid":7}'
frame report 0 $ID 1 "$FINISH"
tell
ran 0 '{}' '' 'and the next one follows'
is "$(events $KEY)" 'submit validate depend priority alloc start finish release free clean' \
	'the job has ended'

# ---- two nodes
node_up 1
submit wide -N2 true
wait_event alloc
frame report 0 $ID 0 "$FINISH"
tell
ran 0 '{}' '' 'one node of two ends'
kill_schedd KILL
start_schedd
frame report 0 $ID 0 "$FINISH"
frame report 1 $ID 0 "$FINISH"
tell
ran 0 '{}' '' 'after a restart both are told'
wait_event clean
is "$(events $KEY)" 'submit validate depend priority alloc finish release free clean' \
	'each counts once'

# ---- schedd dies while it is asked
kill -STOP "$SCHEDD_PID"
"$weir" submit --job-name=asked --env=-* true >"$WORK/id" 2>>"$WORK/stderr" &
SUBMIT=$!
"$weir" jobs -a -n -o '{name}' >"$WORK/names" 2>>"$WORK/stderr" &
JOBS=$!
kill_schedd KILL
start_schedd
wait $SUBMIT
is "$? $("$weir" job id --to=dec "$(cat "$WORK/id")")" "0 $(field asked id)" \
	'a submission is made to the next one'
wait $JOBS
is $? 0 'and so is a query'

# ---- what makes no sense
for bad in 'report 0 1 0' 'report 0 1 {2}
ab
' 'report x 1 0 {2}
ab
' 'dance 0 1 0 {2}
ab
' 'report 0 1 0 {9999}
ab
'; do
	FRAMES=$bad
	tell
	ran 1 '' 'EPROTO: a report is malformed*' "refused: $(echo "$bad" | head -n 1)"
done
kill_schedd TERM
stop_kvsd
done_testing
