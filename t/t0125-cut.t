#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libweir and a real kvsd, whose connection is cut again and again in the middle
# of pushes, replies and requests: what watches tell, and what is known of
# commits. weir_kvs_watch(3), weir_kvs_commit(3).
. "${srcdir:-.}/t/tap.sh"

unset WEIR_KVS_NAMESPACE
start_kvsd || { diag "$(cat "$WORK/stderr")"; ok 1 "kvsd starts"; exit 1; }
WEIR_URI=local://$SOCKET
export WEIR_URI

"$builddir/t/unit/live_cut" "$WORK/proxy" >"$WORK/all"
ok $? "watches and commits over connections that are cut"
sed 's/^/# /' "$WORK/all"
matches "$(cat "$WORK/all")" '^1\.\.[0-9]+$' "all of them"
stop_kvsd TERM
is "$KVSD_STATUS" 0 "kvsd ends"
done_testing
