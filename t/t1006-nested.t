#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An instance in a job: it has what the job has, and ends with it.
# weir-start(1).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
W=$builddir/cmd/weir
start_instance -s 4 || { ok 1 'an instance starts'; done_testing; }

run weir run -N1 -n1 -c1 "$W" start "$W" resource list
matches "$STATUS $OUT" ' free +1 +1 ' 'it has the cores of the job, no others'
run weir run -N3 -n3 "$W" start sh -c '"$0" resource list | awk "/ free /{print \$2, \$3}"
	"$0" run -N3 -n3 sh -c "echo \$WEIR_TASK_RANK" | sort | xargs
	"$0" getattr level
	"$0" getattr parent-uri
	"$0" job id --to=f58plain "$("$0" getattr jobid)"
	"$0" getattr size
	echo "$WEIR_JOB_ID,$WEIR_JOB_NNODES"
	exit 7' "$W"
id=$(weir job last)
is "$STATUS" 7 'the exit code of its program is that of the job'
is "$OUT" "3 3
0 1 2
1
$WEIR_URI
$id
3
,3" 'it has all nodes of the job, and knows where it is'
matches "$(weir job eventlog "$id")" ' memo uri="local://.*"' 'the memo of the job tells where it is'
run weir run -N2 -n2 "$W" start "$W" run -N2 -n2 "$W" start "$W" getattr level
ran 0 2 '' 'a second level'
run weir run -n2 "$W" start true
like "$STATUS $ERR" '1 *started by one task a node (-N1 -n1)*' 'two tasks on a node are refused'
run weir run -N1 -n1 "$W" start -s 2 "$W" getattr size
ran 0 2 '' '-s does not ask the job'
run weir run -N1 -n1 "$W" start sh -c 'kill -9 $$'
is "$STATUS" 137 'a program that is killed'

# ---- canceled
id=$(weir submit -N2 -n2 "$W" start sh -c 'echo up >"$0"; sleep 1000' "$WORK/up")
weir job wait-event -q -t 60 "$id" memo
ok $? 'one that would go on'
weir cancel "$id"
weir job wait-event -q -t 60 "$id" clean
ok $? 'ends when it is canceled'

# ---- a node without the first
id=$(weir submit -N2 -n2 sh -c 'if [ $WEIR_TASK_RANK -eq 1 ]; then exec "$0" start; fi' "$W")
weir job wait-event -q -t 60 "$id" start
ok $? 'one whose first node starts nothing'
weir cancel "$id"
weir job wait-event -q -t 60 "$id" clean
ok $? 'a node that nobody leads ends when it is told to'

# ---- the first is lost: the others notice
id=$(weir submit -N2 -n2 sh -c 'if [ $WEIR_TASK_RANK -eq 0 ]; then "$0" start sh -c "kill -9 \$PPID"; exit 3; fi
	exec "$0" start' "$W")
weir job wait-event -q -t 60 "$id" clean
ok $? 'without their first node the others end'
stop_instance
done_testing
