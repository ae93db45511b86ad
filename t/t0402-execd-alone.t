#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# execd without schedd: a job that ends is in the store, and schedd finds it.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'schedd starts'
mkdir "$WORK/run"
start_daemon "$builddir/execd/execd" --rank=0 --uri="$WEIR_URI" \
	--rundir="$WORK/run"
ok $? 'so does execd'
EXECD_PID=$DAEMON_PID

mkfifo "$WORK/gate1" "$WORK/gate2"
submit short sh -c "echo begun; read x <'$WORK/gate1'; echo ended; exit 3"
wait_event start
ok $? 'a job runs'
SHORT=$ID SHORT_KEY=$KEY
submit silent sh -c "read x <'$WORK/gate2'"
wait_event start
ok $? 'and another that says nothing'
kill_schedd KILL
echo >"$WORK/gate1"
echo >"$WORK/gate2"
for ID in $SHORT $ID; do
	wait_event finish exec.0.$ID.report
	ok $? "without schedd the end of job $ID is reported by a key"
done
matches "$("$weir" kvs get -r -N "job-$SHORT" output)" 'ended
.*eof' 'after its output'
start_schedd
ok $? 'schedd starts again'
wait_event clean $SHORT_KEY.eventlog
ok $? 'and ends the job'
wait_event clean
ok $? 'and the other'
is "$(field short waitstatus) $(field silent waitstatus)" '768 0' 'with its status'
is "$("$weir" kvs get -r $SHORT_KEY.guest.output | grep -c -e begun -e ended)" \
	2 'its output is there once'
is "$("$weir" kvs ls exec.0 2>/dev/null)" '' 'its assignment is gone'
tries=0
while [ "$(ls "$WORK/run" | grep ^job)" ] && [ $tries -lt 2000 ]; do
	tries=$((tries + 1))
	"$weir" kvs put turn=1
done
is "$(ls "$WORK/run" | grep ^job)" '' 'its shell has ended'
kill "$EXECD_PID"
wait "$EXECD_PID"
is $? 0 'execd ends when told to'
forget_pid "$EXECD_PID"
kill_schedd TERM
stop_kvsd
done_testing
