#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Differences by libweir: what is told, and that they cost what differs.
# weir_kvs_diff(3).
. "${srcdir:-.}/t/tap.sh"

unset WEIR_KVS_NAMESPACE
start_kvsd || { diag "$(cat "$WORK/stderr")"; ok 1 "kvsd starts"; exit 1; }
WEIR_URI=local://$SOCKET
export WEIR_URI

"$builddir/t/unit/live_diff" >"$WORK/all"
ok $? "places, pages, costs and errors"
grep -v '^ok' "$WORK/all" | sed 's/^/# /'
matches "$(cat "$WORK/all")" '^1\.\.[0-9]+$' "all of them"
stop_kvsd TERM
is "$KVSD_STATUS" 0 "kvsd ends"
done_testing
