#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libweir against a real kvsd: fences, event logs, locks, elections.
. "${srcdir:-.}/t/tap.sh"

unset WEIR_KVS_NAMESPACE
start_kvsd || { diag "$(cat "$WORK/stderr")"; ok 1 "kvsd starts"; exit 1; }
WEIR_URI=local://$SOCKET
export WEIR_URI
"$builddir/t/unit/live_locks" >"$WORK/all" 2>"$WORK/errors"
ok $? "every part of it"
grep -A3 '^not ok' "$WORK/all" | sed 's/^/# /'
ok "$(grep -q '^1\.\.' "$WORK/all"; echo $?)" "up to the end"
is "$(cat "$WORK/errors")" "" "without a complaint"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
