#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A full disk is an error to writers while readers go on; too few descriptors
# delay who connects and hurt nobody. kvsd(8).
if [ -z "$WEIR_T_UNSHARED" ] && [ "$(id -u)" -eq 0 ] &&
   unshare -m true 2>/dev/null; then
	# A mount of our own, gone with us.
	WEIR_T_UNSHARED=1 exec unshare -m sh "$0"
fi
. "${srcdir:-.}/t/tap.sh"

mkdir "$WORK/disk"
STATE=$WORK/disk/state
if [ -z "$WEIR_T_UNSHARED" ] ||
   ! mount -t tmpfs -o size=3m tmpfs "$WORK/disk" 2>/dev/null; then
	skip "a full disk" "needs root, to mount a small one"
else
	start_kvsd || ok 1 "kvsd starts"
	{
		printf '%s\n' 'a hello' 'a send w watch - p mode=prefix' \
			'a push w synced' 'a send 0 put - first {1}\nx' 'a until 0'
		i=1
		while [ $i -le 12 ]; do
			head -c 400000 /dev/urandom >"$WORK/v$i"
			printf '%s\n' "a raw p$i put - p.k$i {400000}\\n" \
				"a file $WORK/v$i" 'a send' "a until p$i"
			i=$((i + 1))
		done
		head -c 400000 /dev/urandom >"$WORK/v"
		printf '%s\n' 'a send 1 get - first' 'a until 1' \
			'a raw 2 put - more {400000}\n' "a file $WORK/v" \
			'a raw \n3 get - more\n4 publish still\n' 'a until 4' \
			'a send 5 unlink - p recursive=1' 'a until 5' \
			'a send 5b gc' 'a until 5b' 'a send 6 append - first {1}\ny' 'a until 6' \
			'a send 7 get - first' 'a until 7'
	} >"$WORK/script"
	got=$(talk <"$WORK/script")
	matches "$got" '^p1 ok' "there is room at first"
	matches "$got" '^p12 err ENOSPC ' "a writer is told that the disk is full"
	matches "$got" '^1 ok version=[0-9]* type=value size=1' "readers go on"
	matches "$got" '^3 err' "what depended on it fails with it"
	matches "$got" '^4 ok' "events go on"
	matches "$got" '^5 ok' "keys can be removed"
	matches "$got" '^6 ok' "there is room when something was removed"
	written=$(echo "$got" | grep -c '^p[0-9]* ok')
	told=$(echo "$got" | grep -c '^\* w put p.k')
	is "$told" "$written" "watches are told what was committed and no more"
	stop_kvsd
	is "$KVSD_STATUS" 0 "the server is well"
	umount "$WORK/disk"
fi

# ---- descriptors ----

STATE=$WORK/state
KVSD_REAL=$KVSD
cat >"$WORK/few" <<END
#!/bin/sh
ulimit -n 30
exec "$KVSD_REAL" "\$@"
END
chmod 755 "$WORK/few"
KVSD=$WORK/few
start_kvsd || ok 1 "kvsd starts"
{
	i=1
	while [ $i -le 40 ]; do
		echo "c$i open"
		echo "c$i send 1 hello 1"
		i=$((i + 1))
	done
	printf '%s\n' 'c1 until 1' 'c1 send 2 put - a {1}\nx' 'c1 until 2'
	i=1
	while [ $i -le 39 ]; do
		echo "c$i close"
		i=$((i + 1))
	done
	printf '%s\n' 'c40 until 1' 'c40 send 2 get - a' 'c40 until 2'
} >"$WORK/script"
got=$(talk <"$WORK/script")
is "$(echo "$got" | grep -c '^2 ok')" 2 \
	"without descriptors: those who are there are served, others later"
matches "$(cat "$WORK/stderr")" 'cannot accept a connection' "and the log says so"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
