#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Space: what is not needed is removed, by itself and when asked for; a full
# disk; a database that is damaged or can't be used. kvsd(8).
if [ -z "$WEIR_T_UNSHARED" ] && [ "$(id -u)" -eq 0 ] &&
   unshare -m true 2>/dev/null; then
	# A mount of our own, gone with us.
	WEIR_T_UNSHARED=1 exec unshare -m sh "$0"
fi
. "${srcdir:-.}/t/tap.sh"

# N commits of a value of 40 KB each, all different.
churn()
{
	{
		printf 'a hello\n'
		i=1
		while [ $i -le "$1" ]; do
			head -c 40000 /dev/urandom >"$WORK/c$i"
			printf '%s\n' "a raw c$i put - churn.k$((i % 5)) {40000}\\n" \
				"a file $WORK/c$i" 'a send' "a until c$i"
			i=$((i + 1))
		done
	} >"$WORK/script"
	talk <"$WORK/script" | grep -c '^c[0-9]* ok'
	rm -f "$WORK"/c[0-9]*
}

start_kvsd || ok 1 "kvsd starts"
export WEIR_URI="local://$SOCKET"
is "$(churn 20)" 20 "values are written"
run weir kvs gc
like "$STATUS $OUT" '0 removed 0 blobs of 0 bytes in *' \
	"what history has is not removed"
run weir kvs unlink -R churn
run weir kvs gc --quiet
ran 0 '' '' "gc --quiet"
got=$(printf '%s\n' 'a hello' 'a send 1 put - a {1}\n1' 'a send 2 gc' \
	'a until 2' 'a send 3 gc' 'a send 3b gc' 'a send 4 cancel 3' \
	'a until 4' 'a until 3b' 'a send 5 get - a' 'a until 5' | talk)
matches "$got" '^2 ok blobs=[0-9]* bytes=[0-9]* marked=[0-9]* swept=[0-9]* removed=[0-9]* removed-bytes=[0-9]* seconds=[0-9.]* longest=' "gc"
matches "$got" '^3 err ECANCELED' "one that is canceled"
matches "$got" '^3b ok' "does not end the others"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"

# ---- the history ----

STATE=$WORK/history
start_kvsd --history-versions=3 --history-time=1000 || ok 1 "kvsd starts"
run weir kvs put a=1
run weir kvs put a=2
run weir kvs put a=3
run weir kvs put a=4
run weir kvs put a=5
run weir kvs get --at=1 a
ran 1 '' 'weir-kvs: a: history starts at 2' "old versions are dropped"
run weir kvs get --at=2 a
ran 0 2 '' "newer ones are not"
stop_kvsd

# ---- a full disk ----

# Value N of 100 KB as tag pN.
put()
{
	head -c 100000 /dev/urandom >"$WORK/v$1"
	printf '%s\n' "a raw p$1 put - p.k$1 {100000}\\n" \
		"a file $WORK/v$1" 'a send' "a until p$1"
}

mkdir "$WORK/disk"
if [ -z "$WEIR_T_UNSHARED" ] ||
   ! mount -t tmpfs -o size=8m tmpfs "$WORK/disk" 2>/dev/null; then
	skip "a full disk" "needs root, to mount a small one"
else
	STATE=$WORK/disk/state
	start_kvsd || ok 1 "kvsd starts"
	{
		printf '%s\n' 'a hello' 'a send 0 put - first {1}\nx' 'a until 0'
		i=1
		while [ $i -le 100 ]; do
			put $i
			i=$((i + 1))
		done
		printf '%s\n' 'a send g get - first' 'a until g' \
			'a send m put - more {1}\nx' 'a until m' \
			'a send u1 unlink - p.k1' 'a until u1' \
			'a send u unlink - p recursive=1' 'a until u' \
			'a send c gc' 'a until c'
		head -c 1500000 /dev/urandom >"$WORK/big"
		printf '%s\n' "a raw b put - big {1500000}\\n" \
			"a file $WORK/big" 'a send' "a until b"
		while [ $i -le 140 ]; do
			put $i
			i=$((i + 1))
		done
		printf '%s\n' 'a send e get - p.k140' 'a drain e'
	} >"$WORK/script"
	got=$(talk <"$WORK/script")
	written=$(echo "$got" | grep -c '^p[0-9]* ok')
	diag "$written of 140 values were taken"
	matches "$got" '^p20 ok' "there is room at first"
	matches "$got" '^p100 err ENOSPC the disk of the database is full: about [0-9]+ bytes are needed and [0-9]+ are free; keys can be removed' \
		"then writers are told how much is missing"
	matches "$got" '^m err ENOSPC' "also those of a byte"
	matches "$got" '^g ok .*size=1' "readers go on"
	matches "$got" '^u1 ok' "a key can be removed"
	matches "$got" '^u ok' "a directory, too"
	matches "$got" '^c ok' "blobs are collected"
	matches "$got" '^b ok' "and all of their room is there at once"
	is "$(echo "$got" | grep -c '^p1[0-4][0-9] ok')" 40 \
		"also for what comes next, without a restart" ||
		diag "$(echo "$got" | grep '^p1[0-4][0-9] err')"
	stop_kvsd
	is "$KVSD_STATUS" 0 "the server is well"

	rm -r "$STATE"
	start_kvsd || ok 1 "kvsd starts"
	printf '%s\n' 'a hello' 'a send 1 put - first {1}\nx' 'a until 1' |
		talk >/dev/null
	head -c 8000000 /dev/zero >"$WORK/disk/filler" 2>/dev/null
	{
		printf '%s\n' 'a hello'
		put 1
		put 2
		printf '%s\n' 'a send 3 get - first' 'a until 3'
	} >"$WORK/script"
	is "$(talk <"$WORK/script" | sed -n 's/^\(p[12]\|3\) \([a-z]* [EC1A-Z]*\).*/\1 \2/p')" "p1 err ENOSPC
p2 err ENOSPC
3 ok " "others have filled the disk"
	stop_kvsd
	start_kvsd
	is "$READY" ready "it starts on a full disk"
	is "$(talk <"$WORK/script" | grep -c '^p. err ENOSPC')" 2 \
		"which is still full"
	rm "$WORK/disk/filler"
	i=0
	until printf '%s\n' 'a hello' 'a send 2 put - x {1}\ny' \
			'a until 2' | talk | grep -q '^2 ok'; do
		i=$((i + 1))
		[ $i -lt 1000 ] || break
	done
	ok $((i >= 1000)) "until others have made room"
	stop_kvsd
	is "$KVSD_STATUS" 0 "the server is well"
	umount "$WORK/disk"
fi
done_testing
