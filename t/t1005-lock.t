#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Locks and elections: one holder at a time, in order, over the end of holders
# and of kvsd. weir-lock(1), weir-elect(1).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }
WEIR=$builddir/cmd/weir

# queued KEY N: until so many contend for it
queued()
{
	until [ "$(weir kvs ls -1 "$1" 2>/dev/null | grep -c .)" -eq "$2" ]; do
		:
	done
}

# hold NAME ARG...: weir lock ARG... in the background, as $PID. Its program
# tells NAME.up its number when it runs, and ends when told to by NAME.go.
hold()
{
	name=$WORK/$1
	shift
	rm -f "$name.up" "$name.go"
	mkfifo "$name.up" "$name.go"
	"$WEIR" lock "$@" -- sh -c '
		echo "$WEIR_LOCK_NUMBER" >"$1.up"
		read -r code <"$1.go"
		exit "$code"' sh "$name" 2>"$name.err" &
	PID=$!
	note_pid "$PID"
}

# held NAME: waits until it holds; sets NUMBER
held()
{
	read -r NUMBER <"$WORK/$1.up"
}

# ended PID: sets STATUS
ended()
{
	STATUS=0
	wait "$1" || STATUS=$?
	forget_pid "$1"
}

# ---- the program ----

run weir lock a -- sh -c 'echo $WEIR_LOCK_NUMBER $WEIR_LOCK_KEY; exit 3'
number=${OUT%% *}
ran 3 "$number a.$(printf %020d "$number")" '' \
	'the program knows the number; its exit code is ours'
run weir kvs ls -1 a
ran 0 '' '' 'afterwards nothing is left'
run weir lock a sh -c 'kill -KILL $$'
ran 137 '' '' 'ended by a signal'
run weir lock a -- ./no-such-program
ran 127 '' 'weir-lock: ./no-such-program: No such file*' 'no such program'
run weir lock a -- /
ran 126 '' 'weir-lock: /: *' 'one that cannot be run'
run weir lock a
ran 125 '' 'weir-lock: a command to run is needed*' 'no command'
run weir lock --signal=NONE a -- true
ran 125 '' "weir-lock: --signal: 'NONE' is no signal*" 'no signal'
run weir lock --ttl=2d a -- true
ran 125 '' 'weir-lock: a: --ttl is at most a day*' 'too long a time'
weir kvs put value=1
run weir lock value -- true
ran 125 '' 'weir-lock: value: *there is a value' 'a key that holds a value'
run weir kvs get value
ran 0 1 '' 'which stays'
run weir lock -N none a -- true
ran 125 '' 'weir-lock: a: *namespace none*' 'no such namespace'

# ---- waiting ----

hold one q
one=$PID
held one
first=$NUMBER
run weir lock --timeout=0.01 q -- true
ran 124 '' 'weir-lock: q: timed out after 0.01 s: another holds it' 'time-out'
hold two q
two=$PID
queued q 2
hold three q
three=$PID
queued q 3
hold four q
four=$PID
queued q 4
# one that leaves the queue is skipped
kill -TERM "$three"
ended "$three"
is "$STATUS" 143 'a signal while waiting'
queued q 3
echo 7 >"$WORK/one.go"
ended "$one"
is "$STATUS" 7 'the first is done'
held two
second=$NUMBER
run weir kvs ls -1 q
is "$(echo "$OUT" | grep -c .)" 2 'then the second has it'
echo 0 >"$WORK/two.go"
ended "$two"
held four
ok $(($first < $second && $second < $NUMBER ? 0 : 1)) \
	"in their order: $first, $second, $NUMBER"
kill -USR1 "$four"
ended "$four"
is "$STATUS" $((128 + $(kill -l USR1 2>/dev/null || echo 10))) \
	'signals are passed on to the program' ||
	diag "$(cat "$WORK/four.err")"

# ---- shared ----

hold one --shared s
one=$PID
held one
hold two --shared s
two=$PID
held two
ok 0 'two share it'
hold three s
three=$PID
queued s 3
hold four --shared s
four=$PID
queued s 4
echo 0 >"$WORK/two.go"
ended "$two"
run weir lock --timeout=0.01 --shared s -- true
is "$STATUS" 124 'whoever comes after one that does not share waits for it'
echo 0 >"$WORK/one.go"
ended "$one"
held three
echo 0 >"$WORK/three.go"
ended "$three"
held four
echo 0 >"$WORK/four.go"
ended "$four"
is "$STATUS" 0 'then the next'

# ---- one at a time ----

echo 0 >"$WORK/count"
i=0
pids=
while [ $i -lt 20 ]; do
	"$WEIR" lock m -- sh -c '
		mkdir "$1/inside" || echo two at once >>"$1/wrong"
		read -r n <"$1/count"
		echo $((n + 1)) >"$1/count"
		echo "$WEIR_LOCK_NUMBER" >>"$1/numbers"
		rmdir "$1/inside"' sh "$WORK" 2>>"$WORK/wrong" &
	pids="$pids $!"
	i=$((i + 1))
done
for pid in $pids; do
	ended "$pid"
	[ "$STATUS" -eq 0 ] || echo "exit code $STATUS" >>"$WORK/wrong"
done
is "$(cat "$WORK/count" "$WORK/wrong")" 20 '20 contenders, one at a time'
is "$(sort -n -u "$WORK/numbers")" "$(cat "$WORK/numbers")" \
	'their numbers rise'

# ---- holders that end ----

hold one --ttl=0.01 k
one=$PID
held one
first=$NUMBER
hold two k
two=$PID
queued k 2
kill -KILL "$one"
ended "$one"
held two
ok $(($first < $NUMBER ? 0 : 1)) 'the next has it when the holder was killed'
echo 0 >"$WORK/two.go"
ended "$two"
echo 0 >"$WORK/one.go" &	# its program has nobody to wait for it
wait $!

hold one k
one=$PID
held one
weir kvs unlink -R k
ended "$one"
is "$STATUS" 125 'a lock that is removed is lost'
is "$(cat "$WORK/one.err")" \
	'weir-lock: k: the lock is lost: its key was removed' 'and that is told'

# ---- kvsd ends ----

# The program says by which signal it was ended.
mkfifo "$WORK/begun" "$WORK/never"
"$WEIR" lock --ttl=0 --signal=USR1 r -- sh -c '
	trap "echo told >\"$1/told\"; exit 0" USR1
	echo up >"$1/begun"
	while :; do read -r x <"$1/never"; done' sh "$WORK" \
	2>"$WORK/lost.err" &
lost=$!
note_pid "$lost"
read -r x <"$WORK/begun"
hold one r
one=$PID
queued r 2
hold keep --ttl=60 kept
keep=$PID
held keep
number=$NUMBER
kill -KILL "$(daemon_pid kvsd)"
ended "$lost"
is "$STATUS" 125 'kvsd is killed: a lock of no seconds is lost'
is "$(cat "$WORK/told")" told 'its program is told'
like "$(cat "$WORK/lost.err")" 'weir-lock: r: the lock is lost: *' 'so are we'
held one
ok 0 'the next has it when kvsd is there again'
echo 0 >"$WORK/one.go"
ended "$one"
is "$STATUS" 0 'and keeps it'
run weir kvs ls -1 kept
is "$OUT" "$(printf %020d "$number")" 'one of a minute is kept over that'
hold two kept
two=$PID
queued kept 2
echo 5 >"$WORK/keep.go"
ended "$keep"
is "$STATUS" 5 'until its program ends'
held two
ok $(($number < $NUMBER ? 0 : 1)) 'the next number is higher'
echo 0 >"$WORK/two.go"
ended "$two"

# ---- elections ----

mkfifo "$WORK/seen"
"$WEIR" elect --observe --count=6 e >"$WORK/seen" &
observer=$!
note_pid "$observer"
exec 4<"$WORK/seen"
read -r line <&4
is "$line" none 'nobody leads'
mkfifo "$WORK/number"
"$WEIR" elect --value='first one' e >"$WORK/number" &
one=$!
note_pid "$one"
read -r number <"$WORK/number"
read -r line <&4
is "$line" "$number first one" 'the first leads'
"$WEIR" elect --value=second --ttl=0 e -- sh -c 'exec sleep 600' &
two=$!
note_pid "$two"
queued e 2
run weir elect --timeout=0.01 e
ran 124 '' 'weir-elect: e: timed out *' 'a candidate that gives up'
kill -TERM "$one"
ended "$one"
is "$STATUS" 143 'the first resigns'
read -r line <&4
read -r next name <<END
$line
END
is "$name" second 'the second leads'
ok $(($number < $next ? 0 : 1)) 'by a higher number'
kill -TERM "$two"
ended "$two"
is "$STATUS" 143 'its program ends'
read -r line <&4
is "$line" none 'nobody leads'
run weir elect e -- sh -c 'weir=$1; "$weir" elect --observe --count=1 e' sh "$WEIR"
is "$STATUS" 0 'a candidate runs a program'
like "$OUT" "[0-9]* *:[0-9]*" 'its name is of host and process'
read -r line <&4
is "$line" "$OUT" 'which all see'
read -r line <&4
ended "$observer"
is "$line $STATUS" 'none 0' 'up to the count'
run weir elect --observe e -- true
ran 125 '' 'weir-elect: --observe runs no command*' 'observers run nothing'

stop_instance
is "$INSTANCE_STATUS" 0 'the instance is well'
is "$(grep -c -i -e sanitizer -e leak "$ERRORS" "$WORK"/*.err | grep -vc ':0$')" 0 \
	'and nothing was wrong'
done_testing
