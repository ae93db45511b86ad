#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is damaged in the store is found, told and cut out, and nothing else is
# touched: weir kvs fsck, weir-kvs(1).
. "${srcdir:-.}/t/tap.sh"
weir=$builddir/cmd/weir
export WEIR_URI="local://$SOCKET"

# spoiled N TEXT: so many blobs hold it, and no longer have their hash
spoiled()
{
	is "$("$builddir/t/tool/spoil" "$STATE" "$2" 2>&1)" "$1" "(spoiled: $2)"
}

fsck()
{
	run weir kvs fsck "$@" "$STATE"
}

# many PREFIX: 1,000 keys and values
many()
{
	seq -f "$1%04g" 1000 | sed 's/\(.*\)/\1=value-\1/'
}

start_kvsd || { ok 1 'kvsd starts'; done_testing; }
weir kvs put kept=1
many d.k | xargs "$weir" kvs put
many e.deep.m | xargs "$weir" kvs put
weir kvs put big.a="$(seq -s, 900)" big.b="$(seq -s: 90000 | head -c 70000)" \
	big.c="$(seq -s+ 900)"
weir kvs snapshot -n before >"$WORK/name"
weir kvs put after=2
weir kvs namespace create other
weir kvs put -N other x.y.z=1 x.y.w="$(seq -s/ 900)" t=1
weir kvs put -N other t=2
fsck
like "$STATUS $ERR" '2 *is in use by process *' 'not while it is served'
stop_kvsd

cp "$STATE/data.mdb" "$WORK/whole"
fsck
is "$STATUS $ERR" '0 ' 'nothing is damaged'
matches "$OUT" '^[0-9]+ keys in [0-9]+ versions, [0-9]+ blobs of [0-9]+ bytes: nothing is damaged$' \
	'and so it says'
fsck --repair
is "$STATUS" 0 'nothing to repair'

# ---- found
spoiled 1 value-d.k050	# in a leaf of a directory
spoiled 1 700,701	# in a value of one blob
spoiled 1 9000:9001	# in a value of several
spoiled 1 700/701
cp "$STATE/data.mdb" "$WORK/spoiled"
fsck
is "$STATUS $ERR" '1 ' 'damage'
matches "$OUT" "^primary: d: [0-9]+ entries after 'k[0-9]+' up to 'k[0-9]+': [0-9a-f]{64}: its bytes do not have that hash" \
	'a part of a directory'
matches "$OUT" '^primary: big.a: [0-9a-f]{64}: ' 'a value'
matches "$OUT" '^primary: big.b: [0-9a-f]{64}: ' 'a long value'
matches "$OUT" '^primary@before: big.a: ' 'the same in a snapshot'
matches "$OUT" '^other: x.y.w: ' 'in another namespace'
matches "$OUT" ': 7 damaged places, 4 damaged blobs$' 'and that is all'
is "$(cmp "$STATE/data.mdb" "$WORK/spoiled" 2>&1)" '' 'looking changes nothing'

# ---- served all the same
start_kvsd
ok $? 'kvsd starts with it'
run weir kvs get kept e.deep.m0500 big.c d.k0001
is "$STATUS" 0 'the rest is read'
run weir kvs get big.a
matches "$STATUS $ERR" '^1 weir-kvs: big.a: .* [0-9a-f]{64}: its bytes do not have that hash' \
	'what is damaged is told, with its hash'
run weir kvs get d.k0500
matches "$STATUS $ERR" '^1 weir-kvs: d.k0500: .*its bytes do not have that hash' 'likewise in a directory'
run weir kvs put kept=2 new.key=3 d.k0001=x
is "$STATUS" 0 'writes beside it'
run weir kvs get d.k0001
ran 0 x '' 'are there'
run weir kvs put d.k0500=x
is "$STATUS" 1 'a write into it is refused'
matches "$ERR" 'its bytes do not have that hash' 'and says why'
run weir kvs put last=1
is "$STATUS" 0 'and disturbs no other'
stop_kvsd

# ---- cut out
fsck --repair
is "$STATUS" 1 'repair'
matches "$OUT" '^primary: big.a: ' 'it says what is lost'
matches "$OUT" ' nothing is damaged$' 'and that the rest is whole'
fsck
is "$STATUS" 0 'which it is'
start_kvsd
is "$(weir kvs get kept last e.deep.m0500 d.k0001 d.k1000 | xargs)" \
	'2 1 value-e.deep.m0500 x value-d.k1000' 'what was whole is there'
run weir kvs get big.a
ran 1 '' '*big.a: No such file*' 'what was damaged is gone'
n=$(weir kvs ls -1 d | wc -l)
[ "$n" -gt 500 ] && [ "$n" -lt 1000 ]
ok $? 'of the directory most is left'
is "$(weir kvs get -N other x.y.z t | xargs)" '1 2' 'as in the other namespace'
is "$(weir kvs get --at=@before kept)" 1 'and in the snapshot'
run weir kvs put big.a="$(seq -s, 900)"
is "$STATUS" 0 'the same value again'
is "$(weir kvs get big.a)" "$(seq -s, 900)" 'is stored anew'
run weir kvs get --at=1 kept
like "$STATUS $ERR" '1 *history starts at*' 'versions with damage are gone'
stop_kvsd

# ---- the root itself: a version before it takes its place
start_kvsd
weir kvs put -N other mark-1=1
weir kvs put -N other mark-2=2
stop_kvsd
spoiled 1 mark-2
fsck
matches "$STATUS $OUT" '^1 other: \.: a directory of [0-9]+ entries: ' 'a root'
fsck -r
is "$STATUS" 1 'is repaired'
start_kvsd
is "$(weir kvs ls -1 -N other | xargs)" 'mark-1 t x' 'by the version before'
weir kvs put last=2
is "$(weir kvs get last)" 2 'and the other namespace is whole'
stop_kvsd
fsck
is "$STATUS" 0 'nothing is damaged'

run weir kvs fsck
like "$STATUS $ERR" '[12] *takes the folder*' 'no folder'
run weir kvs fsck "$WORK/none"
like "$STATUS $ERR" "2 *$WORK/none*" 'a folder that is not there'
done_testing
