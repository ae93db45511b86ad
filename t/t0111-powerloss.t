#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loss of power under the load of many clients: of what kvsd wrote and did not
# sync a random part is gone, and what was told stays true. kvsd also ends in
# the middle of its writes. WEIR_T_ROUNDS says how many rounds (300).
# t/tool/powerloss.c.
. "${srcdir:-.}/t/tap.sh"

rounds=${WEIR_T_ROUNDS:-300}
WAIT_SECONDS=$((120 + 10 * rounds))
TOOL=$builddir/t/tool
LOSS=$TOOL/.libs/powerloss.so

# A sanitizer's own hooks of these calls can stand in the way.
run env LD_PRELOAD="$LOSS" "$KVSD" --version
[ "$STATUS:$ERR" = 0: ] || skip_all "powerloss.so cannot be loaded: $ERR"

torture()
{
	rm -rf "$STATE"
	run "$TOOL/torture" -p "$LOSS" "$@" "$KVSD" "$STATE" "$WORK/history"
}

# ---- started again, it tells nothing that is not on the disk ----

# The root that kvsd, started on what is left, tells of.
root()
{
	start_daemon env LD_PRELOAD="$LOSS" "$KVSD" --socket="$SOCKET" \
		--statedir="$STATE"
	WEIR_URI=local://$SOCKET weir kvs getroot -b
	KVSD_PID=$DAEMON_PID
	stop_kvsd KILL 2>/dev/null
}

call=3
wrong=
lost=0
while [ $call -le 30 ]; do
	rm -rf "$STATE"
	start_daemon env LD_PRELOAD="$LOSS" POWERLOSS_CALL=$call "$KVSD" \
		--socket="$SOCKET" --statedir="$STATE" &&
		printf "%s\n" "a hello" "a send 1 put - a {1}\nx" "a until 1" |
		talk >"$WORK/out"
	if [ "$READY" = ready ]; then KVSD_PID=$DAEMON_PID; stop_kvsd KILL 2>/dev/null; fi
	before=$(root)
	lost=$((lost + $("$TOOL/powercut" "$STATE")))
	[ "$(root)" = "$before" ] || wrong="$wrong $call"
	call=$((call + 1))
done
ok $([ $lost -gt 0 ]; echo $?) "what a killed kvsd wrote is not all synced"
is "$wrong" "" "what it told is there without that"

part=1
while [ $part -le 3 ]; do
	torture -r $((rounds / 3)) -s $part -c $((9 - 2 * part)) -d $((part * 3))
	is "$STATUS:$ERR" "0:" "part $part: kvsd starts with what is left"
	diag "$OUT"
	matches "$OUT" " [1-9][0-9]* sectors lost" "something was lost"
	run "$TOOL/lincheck" "$WORK/history"
	like "$STATUS:$OUT" "0:OK*" "one order explains what was told"
	part=$((part + 1))
done

# ---- without a sync, what was acknowledged is lost, and that is noticed ----

# By kvsd, which finds nothing in its file, or else by the checker.
noticed()
{
	if [ "$STATUS" = 0 ]; then
		run "$TOOL/lincheck" "$WORK/history"
		like "$STATUS:$OUT" "1:*no order of the operations*" "$1"
	else
		matches "$ERR" "data.mdb is empty: what it held is lost" "$1"
	fi
}
torture -r 30 -s 4 -i -w
noticed "a disk that does not sync"
torture -r 30 -s 5 -w -D none
noticed "durability none"
done_testing
