#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libweir against a real kvsd: every part of it, then watches that go on over
# restarts, with what was committed while they were away.
. "${srcdir:-.}/t/tap.sh"

live=$builddir/t/unit/live
unset WEIR_KVS_NAMESPACE

start_kvsd || { diag "$(cat "$WORK/stderr")"; ok 1 "kvsd starts"; exit 1; }
WEIR_URI=local://$SOCKET
export WEIR_URI

"$live" all >"$WORK/all"
ok $? "every part of the library"
sed 's/^/# /' "$WORK/all" | grep -v '^# ok'

"$live" write 1
ok $? "a transaction before"
mkfifo "$WORK/fifo"
"$live" resume 9>"$WORK/fifo" >"$WORK/resumed" &
resume=$!
note_pid $resume
read -r line <"$WORK/fifo"
is "$line" ready "the watches have seen it"
stop_kvsd KILL
start_kvsd
ok $? "kvsd is killed and started again"
"$live" write 2
ok $? "a transaction after"
stop_kvsd TERM
start_kvsd
ok $? "kvsd is stopped and started again"
"$live" write 3 && "$live" write 4
ok $? "transactions after"
wait $resume
ok $? "the watches have seen the last"
forget_pid $resume
is "$(cat "$WORK/resumed")" "log=1234 keys=1234 last=4" \
	"no gap, and no byte twice"
stop_kvsd TERM
done_testing
