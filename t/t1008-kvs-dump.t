#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir kvs dump and load. weir-kvs(1), weir-kvsdump(5).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }
weir kvs namespace create from to
head -c 3000000 /dev/urandom >"$WORK/blob"
weir kvs put -N from a.b=one a.empty= 'a.with space=x y' deep.d.e.f.g=1
weir kvs put -N from --raw a.big=- <"$WORK/blob"
weir kvs link -N from a.b l.plain
weir kvs link -N from -T primary a.b l.other
weir kvs mkdir -N from none
hash=$(weir kvs getroot -N from -b)

# ---- there and back ----

run weir kvs dump -N from -o "$WORK/dump"
ran 0 '' '' 'dump'
is "$(stat -c %a "$WORK/dump")" 600 'into a file of its owner'
run weir kvs load -N to "$WORK/dump"
ran 0 '' '' 'load'
is "$(weir kvs getroot -N to -b)" "$hash" 'the hash is the same'
is "$(weir kvs version -N to)" 1 'in one transaction'
weir kvs get -N to --raw a.big | cmp - "$WORK/blob"
ok $? 'a large value is the same'
weir kvs namespace list >"$WORK/namespaces"
! grep -q weir-load "$WORK/namespaces"
ok $? 'and nothing is left beside it'
weir kvs dump -N from | sed 1d >"$WORK/a"
weir kvs dump -N to | sed 1d >"$WORK/b"
sed -i '$d' "$WORK/a" "$WORK/b"
cmp "$WORK/a" "$WORK/b"
ok $? 'the same content makes the same dump'
run weir kvs dump --list "$WORK/dump"
is "$(echo "$OUT" | sed '1s/, version.*//')" '. of namespace from
dir                a.
value            3 a.b
value      3000000 a.big
value            0 a.empty
value            3 a.with space
dir                deep.
dir                deep.d.
dir                deep.d.e.
dir                deep.d.e.f.
value            1 deep.d.e.f.g
dir                l.
link               l.other -> primary::a.b
link               l.plain -> a.b
dir                none.
14 entries, 3000007 bytes of values; the sum is right' 'dump --list'

# ---- a directory, the past, pipes ----

weir kvs dump -N from deep.d | weir kvs load -N to -k new.place
is "$(weir kvs dir -N to -R new)" 'new.place.e.f.g = 1' \
	'a directory, through a pipe, to another key'
weir kvs put -N from -n deep.d.h=2
weir kvs put -N from -n deep.d.h=3
weir kvs dump -N from -a "$(($(weir kvs version -N from) - 1))" deep.d |
	weir kvs load -N to -k past
is "$(weir kvs get -N to past.h)" 2 'dump --at'
weir kvs snapshot -N from -n s >/dev/null
weir kvs put -N from -n deep.d.h=4
weir kvs dump -N from@s deep | weir kvs dump -l - >"$WORK/listed"
matches "$(cat "$WORK/listed")" '^deep of namespace from@s, ' \
	'dump of a snapshot'
run weir kvs load -N to -k past <"$WORK/dump"
ran 1 '' 'weir-kvs: past exists: --force *' 'load where something is'
run weir kvs load -N to "$WORK/dump"
ran 1 '' 'weir-kvs: . is not empty: --force *' 'or into a full namespace'
run weir kvs load -N to -f -k past "$WORK/dump"
is "$STATUS $(weir kvs get -N to past.a.b)" '0 one' 'load --force'
run weir kvs get -N to past.h
is "$STATUS" 1 'which replaces'
run weir kvs load -N to -f "$WORK/dump"
is "$STATUS $(weir kvs getroot -N to -b)" "0 $hash" 'also all of it'

# ---- what is wrong ----

version=$(weir kvs version -N to)
run weir kvs dump nosuch
ran 1 '' 'weir-kvs: nosuch: No such file or directory' 'dump of nothing'
run weir kvs dump -N from a.b
ran 1 '' 'weir-kvs: a.b: Not a directory' 'dump of a value'
run weir kvs dump -N nosuch
ran 1 '' 'weir-kvs: *nosuch does not exist' 'dump of no namespace'
run weir kvs dump -N from -o "$WORK/no/such"
ran 1 '' "weir-kvs: $WORK/no/such: No such file or directory" 'to no file'
run weir kvs load "$WORK/no/such"
ran 1 '' "weir-kvs: $WORK/no/such: No such file or directory" 'from no file'
head -c 2000000 "$WORK/dump" >"$WORK/cut"
run weir kvs load -N to -k x "$WORK/cut"
ran 1 '' "weir-kvs: $WORK/cut: line * (byte 2000000): it ends here*" \
	'a dump that was cut off'
sed '$d' "$WORK/dump" >"$WORK/unended"
run weir kvs load -N to -k x "$WORK/unended"
ran 1 '' 'weir-kvs: *before its last line' 'one without its last line'
sed 's/deep.d.e.f.g {1}/deep.d.e.f.h {1}/' "$WORK/dump" >"$WORK/changed"
run weir kvs load -N to -k x "$WORK/changed"
ran 1 '' 'weir-kvs: *the sum of what came before is *' 'one that was changed'
run weir kvs dump --list "$WORK/changed"
matches "$STATUS $ERR" '^1 weir-kvs: .*line [0-9]+ \(byte [0-9]+\): the sum ' \
	'which --list sees, too'
run weir kvs load -N to -k x /dev/null
ran 1 '' 'weir-kvs: /dev/null: line 1 (byte 0): it ends here*' 'an empty file'
echo 'a.b = 1' >"$WORK/text"
run weir kvs load -N to -k x "$WORK/text"
ran 1 '' "weir-kvs: $WORK/text: line 1 (byte 0): this is no dump*" 'a text'
sed "1s/hash=[0-9a-f]\{8\}/hash=00000000/" "$WORK/dump" | sed '$d' >"$WORK/hash"
if command -v b2sum >/dev/null; then
	tail -n 1 "$WORK/dump" | sed "s/sum=.*/sum=$(b2sum -l 256 \
		<"$WORK/hash" | cut -d' ' -f1)/" >>"$WORK/hash"
	run weir kvs load -N to -k x "$WORK/hash"
	ran 1 '' 'weir-kvs: what was loaded has the hash *, not 00000000*' \
		'one of another tree'
else
	skip 'one of another tree' 'there is no b2sum'
fi
sed "1s/owner=[0-9]*/owner=4711/" "$WORK/dump" | sed '$d' >"$WORK/owner"
if command -v b2sum >/dev/null; then
	tail -n 1 "$WORK/dump" | sed "s/sum=.*/sum=$(b2sum -l 256 \
		<"$WORK/owner" | cut -d' ' -f1)/" >>"$WORK/owner"
	run weir kvs load -N to -k x "$WORK/owner"
	ran 1 '' 'weir-kvs: the dump is of a namespace of user 4711, to is *' \
		'one of another user'
	is "$(weir kvs version -N to)" "$version" \
		'all of these have changed nothing'
	run weir kvs load -N to --any-owner -k x "$WORK/owner"
	ran 0 '' '' 'load --any-owner'
else
	skip 'one of another user' 'there is no b2sum'
fi
weir kvs namespace list >"$WORK/namespaces"
! grep -q weir-load "$WORK/namespaces"
ok $? 'and left nothing'

# ---- interrupted ----

mkfifo "$WORK/pipe"
"$builddir/cmd/weir" kvs load -N to -k y "$WORK/pipe" 2>"$WORK/err" &
pid=$!
note_pid $pid
exec 5>"$WORK/pipe"
head -c 2500000 "$WORK/dump" >&5
kill -TERM $pid
wait $pid
is "$?" 1 'a load that is interrupted'
exec 5>&-
forget_pid $pid
like "$(cat "$WORK/err")" 'weir-kvs: *Interrupted system call' 'says so'
weir kvs namespace list >"$WORK/namespaces"
! grep -q weir-load "$WORK/namespaces"
ok $? 'and leaves nothing'
run weir kvs get -N to y
is "$STATUS" 1 'at all'

# ---- memory ----

# 64 MiB in 4 values of a little more than address space is left for twice
for i in 1 2 3 4; do
	head -c 16777216 /dev/zero | tr '\0' "$i" |
		weir kvs put -N from --raw "large.v$i=-"
done
if ! (ulimit -v 60000) 2>/dev/null; then
	skip 'memory is bounded' 'no limit can be set'
elif nm "$builddir/cmd/weir" | grep -q __asan_init; then
	skip 'memory is bounded' "a sanitizer's own memory is not"
else
	(
		ulimit -v 60000
		"$builddir/cmd/weir" kvs dump -N from -o "$WORK/large" large &&
		"$builddir/cmd/weir" kvs load -N to -k large "$WORK/large"
	)
	ok $? 'memory is bounded'
	run weir kvs diff -r -n from to large
	ran 0 '' '' 'and what is large comes through'
fi
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
done_testing
