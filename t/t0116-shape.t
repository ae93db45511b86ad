#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the shape of the tree gives, at the level of the protocol: copies,
# snapshots, and who may have them. weir-protocol(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd --allow-users || { ok 1 "kvsd starts"; done_testing; }
chmod 755 "$WORK"

got=$(talk <<'END'
a hello
a send 1 commit - {14}\nput a.k {1}\n1\n
a until 1
a send 2 snapshot - name=one
a send 3 put - a.k {1}\n2
a send 4 get - a.k at=@one
a send 5 get primary@one a.k
a send 6 put primary@one a.k {1}\n3
a send 7 commit - {35}\ncopy . . source-ns=primary@one\nif-p
a send 8 commit - {31}\ncopy . . source-ns=primary@one\n
a send 9 get - a.k
a send 10 snapshot -
a send 11 snapshot - name=x%40y
a send 12 snapshot - name=one
a send 13 snapshot none
a send 14 root primary@one
a send 15 get - a.k at=@none
a send 16 snapshot-remove - one
a send 17 snapshot-remove - one
a send 18 commit - {22}\ncopy b a.k\nunlink a.k\n
a send 19 commit - {22}\nunlink b ns=primary@3\n
a send 20 list - .
a until 20
END
)
is "$got" "1 ok version=1
2 ok name=one version=1 hash=HASH
3 ok version=2
4 ok version=1 type=value size=1 {1}
1
5 ok version=1 type=value size=1 {1}
1
6 err EROFS primary@one is a snapshot, which stays as it is
7 err EPROTO operation 2: it is not complete
8 ok version=3
9 ok version=3 type=value size=1 {1}
1
10 ok name=3 version=3 hash=HASH
11 err EINVAL 'x@y' is no name of a snapshot: 1 byte or more, no @ or line \
ends, with the namespace's name at most 254
12 err EEXIST snapshot primary@one exists
13 err ENOENT namespace none does not exist
14 ok version=1 hash=HASH owner=$(id -u)
15 err ENOENT namespace primary has no snapshot none
16 ok
17 err ENOENT namespace primary has no snapshot one
18 ok version=4
19 err EROFS operation 1: unlink b: primary@3 is a snapshot, which stays as \
it is
20 ok version=4 count=2 more=0 {18}
dir 0 a
value 1 b" "copies and snapshots"

got=$(printf 'a hello\na send 1 snapshot-list -\na until 1\n' | talk |
	sed 's/ [0-9]\{10\} [0-9a-f]\{64\}$/ TIME HASH/')
is "$got" "1 ok {80}
3 3 TIME HASH" "they are listed"

# ---- diff, dump ----

got=$(talk <<'END'
a hello
a send 1 ns-create d
a send 2 put d a.v {1}\n1
a send 3 put d b.v {1}\n2
a send 4 link d b.l a.v target-ns=d
a send 5 diff d a to-key=b recursive=1
a until 5
a send 6 diff d . to-ns=primary to-key=nosuch
a send 7 diff d . at=99
a send 8 diff d . recursive=x
a until 8
a send 9 dump d .
a until 9
a send 10 dump d a.v
a send 11 dump d b at=99
a until 11
END
)
is "$got" "1 ok
2 ok version=1
3 ok version=2
4 ok version=3
5 more version=3 to-version=3
5 more {48}
added none 0 link 3 l
changed value 1 value 1 v

5 ok entries=2
6 err ENOENT key nosuch does not exist in namespace primary
7 err EINVAL namespace d is at version 3, not yet at 99
8 err EINVAL recursive=x is neither 0 nor 1
9 more version=3 hash=HASH owner=$(id -u)
9 more {69}
mkdir a
put a.v {1}
1
mkdir b
link b.l a.v target-ns=d
put b.v {1}
2

9 ok entries=5 bytes=2
10 err ENOTDIR a.v is no directory
11 err EINVAL namespace d is at version 3, not yet at 99" "diff and dump"

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	skip "who may" "needs root and setpriv, to be several users"
	done_testing
fi
cp "$builddir/t/tool/wiretalk" "$WORK/wiretalk"
printf 'a hello\na send 1 ns-create theirs owner=12345\na until 1\n' |
	talk >/dev/null
zeros=0000000000000000000000000000000000000000000000000000000000000000
got=$(setpriv --reuid=12345 --regid=12345 --clear-groups "$WORK/wiretalk" \
	"$SOCKET" 2>&1 <<END | sed 's/\(hash=\)[0-9a-f]\{64\}/\1HASH/'
a hello
a send 1 put theirs k {1}\n1
a send 2 snapshot theirs
a send 3 get theirs k at=@1
a send 4 commit theirs {9}\ncopy l k\n
a send 5 commit theirs {27}\ncopy l b source-ns=primary\n
a send 6 commit theirs {29}\ncopy l b source-ns=primary@3\n
a send 7 commit theirs {20}\nunlink b ns=primary\n
a send 8 commit theirs {77}\ncopy l k at=$zeros\n
a send 9 snapshot -
a send 10 snapshot-remove - 3
a send 11 get - b at=@3
a send 12 get primary@3 b
a until 12
a send 13 snapshot-list -
a until 13
a send 14 snapshot-remove theirs 1
a send 15 diff theirs . to-ns=primary
a send 16 diff - . to-ns=theirs
a send 17 diff theirs . at=$zeros
a send 18 dump d .
a send 19 dump theirs . at=$zeros
a until 19
a send 20 dump theirs .
a until 20
END
)
is "$got" "1 ok version=1
2 ok name=1 version=1 hash=HASH
3 ok version=1 type=value size=1 {1}
1
4 ok version=2
5 err EPERM operation 1: copy l b: namespace primary belongs to another user
6 err EPERM operation 1: copy l b: namespace primary@3 belongs to another user
7 err EPERM operation 1: unlink b: namespace primary belongs to another user
8 err EPERM operation 1: at=HASH is for the instance's owner
9 err EPERM namespace primary belongs to another user
10 err EPERM snapshot primary@3 belongs to another user
11 err EPERM namespace primary belongs to another user
12 err EPERM namespace primary@3 belongs to another user
13 ok {0}

14 ok
15 err EPERM namespace primary belongs to another user
16 err EPERM namespace primary belongs to another user
17 err EPERM trees by their hash are for the instance's owner
18 err EPERM namespace d belongs to another user
19 err EPERM trees by their hash are for the instance's owner
20 more version=2 hash=HASH owner=12345
20 more {24}
put k {1}
1
put l {1}
1

20 ok entries=2 bytes=2" "who may"
# ---- a load by who may make no namespace ----

cp "$builddir/cmd/weir" "$WORK/weir"
as_user()
{
	WEIR_URI=local://$SOCKET setpriv --reuid=12345 --regid=12345 \
		--clear-groups "$WORK/weir" "$@"
}
chmod 666 "$SOCKET"
run as_user kvs put -N theirs d.a=1 d.b.c=2
ran 0 "" "" "another user puts"
as_user kvs dump -N theirs d >"$WORK/dump"
run as_user kvs load -N theirs -k e "$WORK/dump"
ran 0 "" "" "and loads a dump"
run as_user kvs diff -N theirs -r -k d e
ran 0 "" "" "which is the same"
run as_user kvs ls -N theirs -1
ran 0 "d
e
k
l" "" "and nothing else is there"
sed '$d' "$WORK/dump" >"$WORK/cut"
run as_user kvs load -N theirs -k f "$WORK/cut"
ran 1 "" "weir-kvs: $WORK/cut: line *" "a bad one"
run as_user kvs ls -N theirs -1
ran 0 "d
e
k
l" "" "leaves nothing"
run as_user kvs load -N theirs -f -k . "$WORK/dump"
ran 0 "" "" "into the whole namespace"
run as_user kvs dir -N theirs -R
ran 0 "a = 1
b.c = 2" "" "replaces it"
run as_user kvs unlink -N theirs -R a b
run as_user kvs load -N theirs -k . "$WORK/dump"
ran 0 "" "" "or if it is empty"
run as_user kvs load "$WORK/dump"
ran 1 "" "weir-kvs: primary: *belongs to another user" "not into others'"
run as_user kvs dump
ran 1 "" "weir-kvs: .: *belongs to another user" "nor a dump of those"

stop_kvsd
is "$KVSD_STATUS" 0 "a clean end"
done_testing
