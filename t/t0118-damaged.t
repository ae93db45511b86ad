#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kvsd and weir kvs fsck on folders that are not what they should be: each says
# what is wrong and where, and changes nothing. kvsd(8), DAMAGE.
# shellcheck disable=SC2016
. "${srcdir:-.}/t/tap.sh"
weir=$builddir/cmd/weir
export WEIR_URI="local://$SOCKET"

# refused REGEX NAME: kvsd does not start with the folder, and says so
refused()
{
	sum=$(cat "$STATE/data.mdb" | cksum)
	run timeout 100 "$KVSD" --socket="$SOCKET" --statedir="$STATE"
	matches "$STATUS $ERR" "^1 .*$1" "$2"
	is "$(cat "$STATE/data.mdb" | cksum)" "$sum" '  and the file is as it was'
}

# unchecked REGEX NAME: neither does fsck
unchecked()
{
	run weir kvs fsck "$STATE"
	matches "$STATUS $ERR" "^2 weir-kvs: fsck: .*$1" "$2: fsck"
}

start_kvsd || { ok 1 'kvsd starts'; done_testing; }
weir kvs put a.b=1 big="$(seq 20000)"
seq -f 'd.k%05g=some-bytes-that-take-room' 20000 | xargs "$weir" kvs put
stop_kvsd
cp "$STATE/data.mdb" "$WORK/good"

# ---- no database of ours
: >"$STATE/data.mdb"
refused "$STATE: data.mdb is empty" 'an empty file'
unchecked 'data.mdb is empty' 'an empty file'
seq 100000 >"$STATE/data.mdb"
refused "$STATE: data.mdb is no file of LMDB" 'a file of something else'
unchecked 'data.mdb is no file of LMDB' 'a file of something else'
head -c 100000 /dev/zero >"$STATE/data.mdb"
refused 'data.mdb is no file of LMDB' 'zeros'
rm "$STATE/data.mdb"
"$builddir/t/tool/spoil" -m "$STATE" other x y
refused 'data.mdb is the database of another program' 'a database of LMDB'
unchecked 'data.mdb is the database of another program' 'a database of LMDB'
cp "$WORK/good" "$STATE/data.mdb"
"$builddir/t/tool/spoil" -m "$STATE" meta format '\0\0\0\0\0\0\0\9'
refused 'the database is of format 9; this program knows 3' 'a newer encoding'
unchecked 'the database is of format 9' 'a newer encoding'

# ---- cut off
cp "$WORK/good" "$STATE/data.mdb"
truncate -s 5000 "$STATE/data.mdb"
run timeout 100 "$KVSD" --socket="$SOCKET" --statedir="$STATE"
matches "$STATUS $ERR" '^1 .*a page of data.mdb that all others depend on is damaged' \
	'all of it but the beginning is cut off'
cp "$WORK/good" "$STATE/data.mdb"
truncate -s 5000 "$STATE/data.mdb"
unchecked 'data.mdb is damaged or cut off|a page of data.mdb' 'likewise'
# a large value is at the end, what else is written with it takes the place of
# pages that are free
cp "$WORK/good" "$STATE/data.mdb"
start_kvsd
for i in 1 2 3 4 5 6 7 8; do
	weir kvs put small=$i
done
stop_kvsd
start_kvsd
seq 1200000 | "$weir" kvs put -r large=-
stop_kvsd
size=$(stat -c %s "$STATE/data.mdb")
truncate -s $((size - 1000000)) "$STATE/data.mdb"
unchecked 'data.mdb is damaged or cut off' 'the end of it is cut off'
is "$(stat -c %s "$STATE/data.mdb")" $((size - 1000000)) 'which changes nothing'
start_kvsd
ok $? 'kvsd starts with it'
matches "$(cat "$WORK/stderr")" 'the last [0-9]+ bytes of data.mdb are missing' \
	'and warns'
run weir kvs get large
matches "$STATUS $ERR" '^1 .*the value of large cannot be read: ' 'what was there'
"$weir" kvs dir -R . >"$WORK/out" 2>&1
run weir ping -c1 kvs
is "$STATUS" 0 'which ends no server'
stop_kvsd
run weir kvs fsck "$STATE"
is "$STATUS" 1 'now fsck can look'
matches "$OUT" '^primary: large: ' 'and finds it'

# ---- whose it is, and where
cp "$WORK/good" "$STATE/data.mdb"
if [ "$(id -u)" = 0 ]; then
	chown 12345 "$STATE"
	refused "$STATE: belongs to uid 12345, not to uid 0" 'of somebody else'
	chown 0 "$STATE"
	chmod 711 "$STATE"
	refused "$STATE: others may enter it" 'open to others'
	chmod 700 "$STATE"
	unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" &&
		exec timeout 100 "$2" --socket="$3" --statedir="$1"' sh "$STATE" \
		"$KVSD" "$SOCKET" >"$WORK/out" 2>"$WORK/err"
	matches "$? $(cat "$WORK/err")" "^1 .*$STATE: Read-only file system" \
		'on a read-only file system'
	unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" &&
		exec timeout 100 "$2" kvs fsck "$1"' sh "$STATE" "$weir" \
		>"$WORK/out" 2>"$WORK/err"
	matches "$? $(cat "$WORK/out")" '^0 .*nothing is damaged' 'fsck can check that'
else
	ok 0 'folders of others, and read-only ones # SKIP needs root'
fi

# ---- and what is whole
start_kvsd
is "$(weir kvs get a.b)" 1 'the good file again'
stop_kvsd
run weir kvs fsck "$STATE"
is "$STATUS" 0 'nothing is damaged'
done_testing
