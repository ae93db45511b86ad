#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A plug-in that brings schedd down, or holds it up, is named; and what is left
# of that afterwards.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"
# What is brought down here on purpose is none of a sanitizer's findings.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}handle_segv=0"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
"$weir" kvs get -W resource.R >"$WORK/out"
MOCK='exec.test.run_duration=0.001s'
probe=$builddir/t/tool/.libs/plugin_probe.so

# schedd's end, which somebody else brought about
fallen()
{
	await schedd "$SCHEDD_PID" 2>/dev/null
	SCHEDD_STATUS=$?
	forget_pid "$SCHEDD_PID"
}

# ---- it crashes
for callback in job state event validate priority start; do
	: >"$WORK/stderr"
	weir jobtap load --remove=all "$probe" crash=$callback
	# by a schedd that will not answer
	weir submit --job-name=fatal --env=-* -S "$MOCK" true >"$WORK/out" 2>&1 &
	pid=$!
	note_pid $pid
	fallen
	like "$SCHEDD_STATUS $(cat "$WORK/stderr")" \
		"[1-9]*schedd: critical: plug-in probe ($probe) brought schedd down by signal 11 in its callback $callback for job [1-9]*" \
		"a crash in $callback is told"
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	forget_pid $pid
	# schedd is not needed for that
	weir kvs put 'plugin.loaded=[]'
	start_schedd
	call job-manager.ping '{}' >"$WORK/out"
done
weir cancel -q --all
submit after -S "$MOCK" true && wait_event clean
is "$(field after result)" 1 'without it schedd works'

# ---- it ends the process, or what is in the way
: >"$WORK/stderr"
weir jobtap load "$probe" exit=query
run weir jobtap query probe
fallen
like "$SCHEDD_STATUS $(cat "$WORK/stderr")" \
	"3 *schedd: critical: plug-in probe ($probe) ended schedd's process in its callback query*" \
	'so is one that ends the process'
: >"$WORK/stderr"
start_schedd
weir jobtap load --remove=all "$probe"
kill -SEGV "$SCHEDD_PID"
fallen
is "$(grep -c critical "$WORK/stderr")" 0 'who is not called is not blamed'
start_schedd
is "$(weir jobtap list | cut -d ' ' -f 1)" probe 'schedd starts with it again'

# ---- it blocks
mkfifo "$WORK/gate" "$WORK/seen"
: >"$WORK/stderr"
weir jobtap load --remove=all "$probe" block=validate gate="$WORK/gate"
tail -n +1 -f "$WORK/stderr" >"$WORK/seen" &
tail=$!
note_pid $tail
weir submit --job-name=slow --env=-* -S "$MOCK" true >"$WORK/out" 2>&1 &
pid=$!
note_pid $pid
waiting 'a line of the log'
grep -m 1 'holds schedd up' <"$WORK/seen" >"$WORK/line"
waited
kill $tail 2>/dev/null
wait $tail 2>/dev/null
forget_pid $tail
like "$(cat "$WORK/line")" \
	"schedd: error: plug-in probe ($probe) holds schedd up: more than a second in its callback validate for job [1-9]*" \
	'one that blocks is named while it does'
echo >"$WORK/gate"
await submit $pid
is $? 0 'it goes on when it may'
forget_pid $pid
matches "$(weir dmesg)" "plug-in probe [(]$probe[)] held schedd up for [1-9][0-9.]* s in its callback validate" \
	'the log tells for how long'
is "$(grep -c 'holds schedd up' "$WORK/stderr")" 1 'once'

# ---- what it says is wrong
weir jobtap load --remove=all "$probe" wrong=query
run weir jobtap query probe
like "$STATUS$OUT" '0*"name": "probe"*' 'what is no JSON is left out'
like "$(cat "$WORK/stderr")" '*plug-in probe: its callback query gave no JSON*' 'and told'
kill_schedd TERM
done_testing
