#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loss of power under the load of many clients: of what kvsd wrote and did not
# sync a random part is gone, and what was told stays true. kvsd also ends in
# the middle of its writes. WEIR_T_ROUNDS says how many rounds (300).
# t/tool/powerloss.c.
. "${srcdir:-.}/t/tap.sh"

rounds=${WEIR_T_ROUNDS:-300}
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

torture -r 30 -s 4 -i -w
is "$STATUS:$ERR" "0:" "a disk that does not sync"
run "$TOOL/lincheck" "$WORK/history"
like "$STATUS:$OUT" "1:*no order of the operations*" "is noticed"
torture -r 30 -s 5 -w -D none
is "$STATUS:$ERR" "0:" "durability none"
run "$TOOL/lincheck" "$WORK/history"
like "$STATUS:$OUT" "1:*no order of the operations*" "is noticed"
done_testing
