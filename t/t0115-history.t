#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The history's window, for each namespace: versions and time; what is beyond it
# is collected, and told to who reads or watches from there. weir-kvs(7).
. "${srcdir:-.}/t/tap.sh"

# Versions 1 to 6 of namespace $1.
six()
{
	for i in 1 2 3 4 5 6; do
		printf 'a send %s put %s k {1}\\n%s\na until %s\n' \
			"$1$i" "$1" "$i" "$1$i"
	done
}

start_kvsd --history-versions=4 || ok 1 "kvsd starts"
{
	cat <<'END'
a hello
a send 1 ns-create few history-versions=2
a send 2 ns-create all history-versions=none history-time=0
a send 3 ns-create told
a send 4 ns-create none history-versions=0
a send 5 ns-create young history-time=0.000001
a until 5
END
	for ns in few all told none young; do six $ns; done
	cat <<'END'
a send 6 gc
a until 6
a send rfew get few k at=3
a send rfew2 get few k at=4
a send rfew3 watch few k from=3
a send rfew4 watch few k from=4 mode=append
a until rfew4
a send rfew5 watch few . mode=prefix from=3
a until rfew5
a send rfew6 watch few k from=3 anew=1
a until rfew6
a send rfew7 diff few k at=1 to=6
a until rfew7
a send rall get all k at=1
a until rall
a send rtold get told k at=1
a send rtold2 get told k at=2
a until rtold2
a send rnone get none k at=5
a send rnone2 get none k at=6
a until rnone2
a send ryoung get young k at=5
a send ryoung2 get young k at=6
a until ryoung2
a send 7 ns-info few
a send 8 ns-info young
a until 8
END
} | talk >"$WORK/out"
got=$(cat "$WORK/out")
matches "$got" '^rfew err ESTALE history starts at 4' "beyond the versions kept"
matches "$got" '^rfew2 ok version=4 ' "not beyond them"
matches "$got" '^rfew3 err ESTALE history starts at 4' "a watch from there"
matches "$got" '^rfew4 ok version=6' "a watch within"
matches "$got" '^rfew5 err ESTALE history starts at 4' "a watch of a prefix"
matches "$got" '^rfew6 ok version=6' "a watch that may begin anew"
matches "$got" '^rfew7 err ESTALE history starts at 4' "a diff"
matches "$got" '^rall ok version=1 ' "without limits all is kept"
matches "$got" '^rtold err ESTALE history starts at 2' "the instance's limit"
matches "$got" '^rtold2 ok version=2 ' "for those without their own"
matches "$got" '^rnone err ESTALE history starts at 6' "none but the newest"
matches "$got" '^rnone2 ok version=6 ' "which is always kept"
matches "$got" '^ryoung err ESTALE history starts at 6' "beyond the time kept"
matches "$got" '^ryoung2 ok version=6 ' "the newest is kept all the same"
matches "$got" '^7 ok .*version=6 history-starts=4 .*history-versions=2 .*set=history-versions$' \
	"told where it starts"
matches "$got" '^8 ok .*history-starts=6 .*history-versions=4 .*set=history-time$' \
	"also of the other"

# ---- limits that are set later ----

head -c 200000 /dev/urandom >"$WORK/random"
{
	cat <<END
a hello
a raw 1 put all big {200000}\\n
a file $WORK/random
a send
a until 1
a send 2 unlink all big
a until 2
a send 2b put all k {1}\\nw
a until 2b
a send 3 gc
a until 3
a send 4 ns-set all history-versions=1
a until 4
a send 5 gc
a until 5
a send 6 get all big at=7
a send 7 ns-info all
a until 7
a send 8 ns-set all history-versions=3
a until 8
END
	printf 'a send 9 put all k {1}\\nx\na until 9\n'
	printf 'a send 10 put all k {1}\\ny\na until 10\n'
	printf 'a send 11 put all k {1}\\nz\na until 11\n'
	# which ends when what was dropped is out of the store
	printf 'a send 11b gc\na until 11b\n'
	printf 'a send 12 ns-info all\na until 12\n'
} | talk >"$WORK/out"
got=$(cat "$WORK/out")
matches "$got" '^3 ok .*removed-bytes=[0-9]{1,5} ' "history is in use"
matches "$got" '^5 ok .*removed-bytes=[2-9][0-9]{5} ' \
	"what only dropped versions had is removed"
matches "$got" '^6 err ESTALE history starts at 8' "and cannot be read"
matches "$got" '^7 ok .*version=9 history-starts=8 ' "as many are kept as set"
matches "$got" '^12 ok .*version=12 history-starts=9 ' "more from now on"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"

start_kvsd --history-versions=2 || ok 1 "it starts again"
got=$(printf 'a hello\na send 1 ns-info all\na send 2 gc\na until 2\na send 3 ns-info told\na until 3\n' |
	talk)
matches "$got" '^1 ok .*history-starts=9 .*history-versions=3 .*set=history-versions,history-time$' \
	"what was set lasts"
matches "$got" '^3 ok .*history-starts=4 .*history-versions=2 .*set=$' \
	"the instance's new limit"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
