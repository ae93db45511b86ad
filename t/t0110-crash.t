#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random points under the load of many clients, hundreds of times on
# one folder: what was told stays true. WEIR_T_ROUNDS says how many rounds
# (300). t/tool/torture.c, lincheck.c; weir-protocol(7), CONSISTENCY.
. "${srcdir:-.}/t/tap.sh"

rounds=${WEIR_T_ROUNDS:-300}
WAIT_SECONDS=$((120 + 10 * rounds))
TOOL=$builddir/t/tool

# torture_ok NAME OPTION...: a part of the rounds, judged.
torture_ok()
{
	name=$1
	shift
	run "$TOOL/torture" -r "$((rounds / 3))" "$@" "$KVSD" "$STATE" \
		"$WORK/history"
	is "$STATUS:$ERR" "0:" "$name: kvsd is killed, and starts again"
	diag "$OUT"
	run "$TOOL/lincheck" "$WORK/history"
	like "$STATUS:$OUT" "0:OK*" "$name: one order explains what was told"
	rm -rf "$STATE"
}

torture_ok "many clients" -s 1 -c 8 -d 4
torture_ok "one key" -s 2 -c 6 -d 4 -k 1
torture_ok "many in flight" -s 3 -c 3 -d 16 -k 6 -a 500

# ---- and the judge notices what is wrong in such a record ----

run "$TOOL/torture" -r 10 -s 4 "$KVSD" "$STATE" "$WORK/history"
is "$STATUS:$ERR" "0:" "a short run"
victim=$(awk '$2 == "append" && $3 ~ /^log/ && $6 == "ok" { print $8; exit }' \
	"$WORK/history")
sed "s/ \(.*;\)*$victim\([^ ]*;\) -\$/ \1\2 -/" "$WORK/history" >"$WORK/bad"
ok $([ -n "$victim" ] && ! cmp -s "$WORK/history" "$WORK/bad"; echo $?) \
	"an append is taken out of what was read"
run "$TOOL/lincheck" "$WORK/bad"
like "$STATUS:$OUT" "1:key log.0: *$victim*" "and is missed"
awk '{ if ($2 == "root" && $6 == "ok" && ++n == 5) $7 = 1; print }' \
	"$WORK/history" >"$WORK/bad"
run "$TOOL/lincheck" "$WORK/bad"
like "$STATUS:$OUT" "1:versions: *" "a version that went back is noticed"
echo "1 get k 1 2" >"$WORK/bad"
run "$TOOL/lincheck" "$WORK/bad"
ran 2 "" "lincheck: $WORK/bad: line 1: not nine words" "no history"
done_testing
