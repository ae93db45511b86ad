#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir start: its program, exit codes, folders, restart with the same state,
# and what it says when it cannot. weir-start(1).
# shellcheck disable=SC2016	# single quotes: the program's shell expands
. "${srcdir:-.}/t/tap.sh"

# ---- the program ----

run weir start sh -c 'echo "$WEIR_URI"; echo "$WEIR_JOB_ID"'
like "$STATUS $OUT" "0 local://$WORK/weir-*/local-0" 'WEIR_URI is the socket'
set -- "$WORK"/weir-*
is "$1" "$WORK/weir-*" 'the run folder is gone afterwards'
run env WEIR_JOB_ID=f1 WEIR_TASK_RANK=3 WEIR_KVS_NAMESPACE=x weir_start=1 \
	"$builddir/cmd/weir" start \
	sh -c 'echo "<$WEIR_JOB_ID$WEIR_TASK_RANK$WEIR_KVS_NAMESPACE>"'
is "$STATUS $OUT" '0 <>' 'what belongs to a job is not passed on'
run weir start sh -c 'exit 7'
is $STATUS 7 'exit code'
run weir start sh -c 'kill -TERM $$'
is $STATUS 143 'killed by a signal'
run weir start "$WORK/nosuch"
ran 127 '' '*weir-start: */nosuch: No such file or directory*' \
	'a program that does not exist'
run weir start "$WORK"
ran 126 '' "*weir-start: $WORK: Permission denied*" \
	'a program that cannot be executed'
echo 'echo from the shell; exit 4' >"$WORK/input"
SHELL=/bin/sh run weir start <"$WORK/input"
is "$STATUS $OUT" '4 from the shell' 'without a program: SHELL'
run weir start -s3 sh -c 'weir=$0; $weir getattr size
	$weir resource list -n -s free' "$builddir/cmd/weir"
matches "$STATUS $OUT" '^0 3$' 'three nodes: the size'
cores=$(nproc)
matches "$OUT" "^ *free +3 +$((cores * 3)) " 'three nodes: all are known'

# ---- the terminal's signals and others ----

start_instance && stop_instance 9
is "$INSTANCE_STATUS" 9 'a program in the background'
for signal in TERM HUP; do
	start_instance
	kill -$signal "$INSTANCE_PID"
	wait_instance
	case $signal in TERM) want=143 ;; HUP) want=129 ;; esac
	is "$INSTANCE_STATUS" $want "$signal goes to the program"
done

# ---- active jobs at the end ----

run weir start --statedir="$WORK/s1" sh -c '
	"$0" submit --exclusive -N1 sleep 1000 >"$1/id"
	"$0" submit --exclusive -N1 echo later >"$1/later"
	"$0" submit --urgency=hold true >"$1/held"
	"$0" job wait-event "$(cat "$1/id")" start >&2
	"$0" kvs put last=1' "$builddir/cmd/weir" "$WORK"
is "$STATUS" 0 'active jobs: the end' || diag "$ERR"
run weir start --statedir="$WORK/s1" sh -c '
	key=$("$0" kvs ls -1 job | head -n 1)
	"$0" kvs get last
	"$0" kvs ls -R1 job | grep -c eventlog
	for a in $("$0" kvs ls -1 job); do for b in $("$0" kvs ls -1 job.$a); do
	for c in $("$0" kvs ls -1 job.$a.$b); do
	for d in $("$0" kvs ls -1 job.$a.$b.$c); do
		"$0" kvs eventlog get job.$a.$b.$c.$d.eventlog
	done; done; done; done
	"$0" job attach "$(cat "$1/later")"
	echo "urgency $("$0" jobs -n -o "{urgency}" "$(cat "$1/held")")"
	"$0" queue status' "$builddir/cmd/weir" "$WORK"
is "$STATUS" 0 'the same state folder again' || diag "$ERR"
matches "$OUT" '^1$' 'its keys are there'
matches "$OUT" ' exception type="cancel" severity=0 note="the instance ends"' \
	'a running job was canceled'
is "$(echo "$OUT" | grep -c 'note="the instance ends"')" 1 'no other was'
matches "$OUT" ' clean$' 'and cleaned up'
matches "$OUT" '^later$' 'what waited runs in the next start'
matches "$OUT" '^urgency 0$' 'what was held is held'
matches "$OUT" 'Scheduling is started' 'and the queue is open'

# ---- options ----

mkdir "$WORK/r"
run weir start --test-rundir="$WORK/r" sh -c 'echo "$WEIR_URI"; ls -ld "$0"' \
	"$WORK/r"
matches "$OUT" "^local://$WORK/r/local-0$" '--test-rundir'
[ -d "$WORK/r" ]
ok $? 'that folder is left'
run weir start --test-rundir="$WORK/none" true
ran 1 '' "weir-start: --test-rundir=$WORK/none: No such file or directory" \
	'a run folder that is missing'
run weir start --durability=none "$builddir/cmd/weir" kvs put -s a=1
is "$STATUS" 0 '--durability=none'
run weir start --durability=some true
ran 1 '' "weir-start: --durability: 'some' is neither commit nor none*" \
	'a wrong --durability'
for bad in 0 -1 x 1025 1x; do
	run weir start -s$bad true
	ran 1 '' "weir-start: --test-size: '$bad' is no number from 1 to 1024*" \
		"a wrong size: $bad"
done
run weir start --dura=none true
ran 1 '' "weir-start: unrecognized option '--dura'*" 'no abbreviated options'
run weir start -v true
matches "$ERR" '^weir-start: started schedd \(pid [0-9]+\)$' '--verbose'

# ---- folders that cannot be used ----

touch "$WORK/file"
run weir start --statedir="$WORK/file/x" true
ran 1 '' "*weir-start: cannot start*$WORK/file/x*" 'a state folder below a file'
run weir start --statedir="$WORK/file" true
ran 1 '' "*weir-start: cannot start*$WORK/file*" 'a file as state folder'
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 500 "$WORK/locked"
	run weir start --statedir="$WORK/locked/x" true
	ran 1 '' "*weir-start: cannot start*$WORK/locked/x*" 'not writable'
else
	run weir start --statedir=/proc/x true
	ran 1 '' "*weir-start: cannot start*/proc/x*" 'not writable'
fi
start_instance --statedir="$WORK/s2"
run env -u WEIR_URI "$builddir/cmd/weir" start --statedir="$WORK/s2" true
ran 1 '' "*weir-start: cannot start*$WORK/s2*use*" \
	'a state folder that a live instance uses'
run weir ping -c1 kvs
is $STATUS 0 'the live one is not disturbed'
stop_instance
run env WEIR_LIBEXECDIR="$WORK/none" "$builddir/cmd/weir" start true
ran 1 '' "weir-start: cannot start kvsd: $WORK/none/kvsd: No such file*" \
	'no daemons there'

# ---- a graph of resources

printf '%s\n' 'version: 1' 'resources:' \
	'- {type: cluster, with: [{type: node, count: 9, with: [{type: core, count: 8}]}]}' \
	>"$WORK/graph"
run weir start --simulate="$WORK/graph" "$builddir/cmd/weir" resource list -n -s up,down
is "$STATUS $(echo "$OUT" | awk '{print $1, $2, $3}' | xargs)" '0 up 9 72 down 0 0' \
	'nodes that are simulated'
run weir start --resources="$WORK/none" true
ran 1 '' "weir-start: $WORK/none: No such file or directory" 'a graph that is not there'
echo 'resources: []' >"$WORK/bad"
for how in resources simulate; do
	run weir start --$how="$WORK/bad" true
	ran 1 '' "weir-start: $WORK/bad: version: is missing (must be 1)" \
		"a graph that is none: --$how"
done

# ---- an instance within an instance ----

run weir start "$builddir/cmd/weir" start sh -c '
	echo "$("$0" getattr level) $("$0" -p getattr level)"
	echo "$("$0" -r getattr level)"' "$builddir/cmd/weir"
is "$STATUS $OUT" '0 1 0
0' 'parent and root'

done_testing
