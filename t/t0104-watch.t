#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Watches: their modes, where they begin, links, and how they end.
# weir-protocol(7), Watching.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

# ---- latest ----

got=$(talk <<'END'
a hello
b hello
b send 0 watch - l
b read 1
b send 1 put - l {1}\n1
b until 1
a send w watch - l
a read 2
b send 2 put - l {1}\n1
a read 1
b send 3 put - other {1}\nx
b send 4 unlink - l
a read 1
b send 5 put - l.below {1}\nx
b send 6 put - l {1}\n2
a read 1
b send 7 mkdir - l.m
a read 1
b send 8 unlink - l recursive=1
b send 9 put - l {1}\n3
a read 1
a send 10 cancel w
a read 2
a send w watch - l from=7
a read 2
a send v watch - l from=8
a read 2
a send 11 ping
a read 1
a send w ping
a read 1
a send w watch - l
a read 1
a send - watch - l
a send d watch - .
a read 1
END
)
is "$got" "0 err ENOENT key l does not exist in namespace primary
1 ok version=1
w ok version=1
* w value version=1 {1}
1
* w value version=2 {1}
1
* w gone version=4
* w value version=6 {1}
2
* w gone version=7
* w value version=9 {1}
3
* w end ECANCELED canceled
10 ok
w ok version=9
* w value version=9 {1}
3
v ok version=9
* v value version=9 {1}
3
11 ok time=TIME
w ok time=TIME
w err EINVAL the tag is taken by a watch that has not ended
d err EISDIR it is a directory: mode=prefix watches those" "mode latest"

got=$(talk <<'END'
a hello
a send 1 put - f {1}\n1
a read 1
a send w watch - f from=10
a read 1
a send x watch - nothing wait=1 from=10
a read 1
a send 2 put - f {1}\n2
a until 2
a read 1
a send y watch - f from=99
a read 1
a send z watch none f
a read 1
END
)
is "$got" "1 ok version=10
w ok version=10
x ok version=10
2 ok version=11
* w value version=11 {1}
2
y err EINVAL namespace primary is at version 11, not yet at 99
z err ENOENT namespace none does not exist" "from="

# ---- append ----

got=$(talk <<'END'
a hello
b hello
a send w watch - log mode=append wait=1
a read 1
b send 1 append - log {3}\none
a read 1
b send 2 append - log {3}\ntwo
a read 1
a send v watch - log mode=append offset=4
a read 2
b send 3 put - log {3}\nnew
a read 4
b send 4 append - log {1}\n!
a read 2
b send 5 unlink - log
a read 2
b send 6 append - log {5}\nagain
a read 2
END
)
is "$got" "w ok version=11
* w data offset=0 version=12 {3}
one
* w data offset=3 version=13 {3}
two
v ok version=13
* v data offset=4 version=13 {2}
wo
* w reset version=14
* w data offset=0 version=14 {3}
new
* v reset version=14
* v data offset=0 version=14 {3}
new
* w data offset=3 version=15 {1}
!
* v data offset=3 version=15 {1}
!
* w gone version=16
* v gone version=16
* w data offset=0 version=17 {5}
again
* v data offset=0 version=17 {5}
again" "mode append"

# Taken up again with from=: what was replaced meanwhile is told, what was
# appended to goes on.
head -c 300000 /dev/urandom >"$WORK/big"
head -c 100000 /dev/urandom >"$WORK/more"
{ cat "$WORK/big" "$WORK/more"; } >"$WORK/both"
{ printf x; tail -c +2 "$WORK/both"; } >"$WORK/other"
got=$(talk <<END
a hello
a send n ns-create r
a until n
a send 1 put r l {3}\none
a until 1
a send 2 append r l {3}\ntwo
a until 2
a send w watch r l mode=append from=1 offset=3
a push w data
a send x cancel w
a until x
a send 3 put r l {7}\nONEtwo3
a until 3
a send w watch r l mode=append from=2 offset=6
a push w data
a send v watch r l mode=append offset=6
a push v data
a send u watch r l mode=append from=3 offset=8
a push u data
a send t watch r l mode=append from=99 offset=3
a until t
a send t watch r l mode=append from=99 offset=3 anew=1
a push t data
a send x cancel t
a until x
a send 4 unlink r l
a until 4
a send s watch r l mode=append from=3 offset=7 wait=1
a push s gone
END
)
is "$(echo "$got" | grep -A1 -e '^\* [wvuts] data' -e reset -e '^\* s' -e '^t err' |
	grep -v -e ok -e end -e --)" "* w data offset=3 version=2 {3}
two
* w reset version=3
* w data offset=0 version=3 {7}
ONEtwo3
* v data offset=6 version=3 {1}
3
* u reset version=3
* u data offset=0 version=3 {7}
ONEtwo3
t err EINVAL namespace r is at version 3, not yet at 99
* t reset version=3
* t data offset=0 version=3 {7}
ONEtwo3
* s gone version=4" "a value replaced while nobody watched, and one that was not"

got=$(talk <<END
a hello
a raw 1 put r b {300000}\\n
a file $WORK/big
a send
a until 1
a raw 2 append r b {100000}\\n
a file $WORK/more
a send
a until 2
a send w watch r b mode=append from=5 offset=300000
a push w data
a send x cancel w
a until x
a raw 3 put r b {400000}\\n
a file $WORK/other
a send
a until 3
a send v watch r b mode=append from=6 offset=400000
a push v data
a send x cancel v
a until x
a raw 4 put r b {400000}\\n
a file $WORK/both
a send
a until 4
a send u watch r b mode=append from=6 offset=350000
a push u data
END
)
is "$(echo "$got" | grep '^\* [wvu]')" "* w data offset=300000 version=6 {100000}
* w end ECANCELED canceled
* v reset version=7
* v data offset=0 version=7 {262144}
* v data offset=262144 version=7 {137856}
* v end ECANCELED canceled
* u data offset=350000 version=8 {50000}" "the same of long values"

head -c 700000 /dev/zero | tr '\0' z >"$WORK/long"
got=$(talk <<END
a hello
a raw 1 put - long {700000}\\n
a file $WORK/long
a send
a until 1
a send w watch - long mode=append
a read 4
END
)
is "$got" "1 ok version=18
w ok version=18
* w data offset=0 version=18 {262144}
(262144 bytes)
* w data offset=262144 version=18 {262144}
(262144 bytes)
* w data offset=524288 version=18 {175712}
(175712 bytes)" "in pieces of 256 KiB at most"

# ---- prefix ----

got=$(talk <<'END'
a hello
b hello
a send w watch - p mode=prefix
a read 2
b send 1 put - p.a {1}\n1
a read 1
b load 2 commit - | append p.a {1}\n2\nmkdir p.d\nlink p.l q\nput q {1}\nx\nunlink p.a\nlink p.n k target-ns=far\n
a read 5
b send 3 unlink - p recursive=1
a read 1
b send 4 put - p {1}\nv
a read 1
b send 5 ns-create src
b load 6 commit src | put k {1}\nv\n
b load 7 commit - | adopt p.src src\n
a read 1
b send 8 unlink - p.src.k
a read 1
END
)
is "$got" "w ok version=18
* w synced version=18
* w put p.a version=19 {1}
1
* w append p.a offset=1 version=20 {1}
2
* w mkdir p.d version=20
* w link p.l q version=20
* w unlink p.a version=20
* w link p.n k version=20 target-ns=far
* w unlink p version=21
* w put p version=22 {1}
v
* w graft p.src version=23 hash=HASH
* w unlink p.src.k version=24" "mode prefix"

got=$(talk <<'END'
a hello
a load 1 commit - | put t.a {1}\n1\nput t.b.c {1}\n2\nlink t.l t.a\nmkdir t.e\n
a read 1
a send w watch - t mode=prefix from=0
a push w synced
a send 2 unlink - t.b.c
a until 2
a read 1
a send 3 append - t.a {1}\n!
a until 3
a read 1
a send 4 cancel w
a until 4
a send w watch - t mode=prefix from=25
a push w synced
a send v watch - t mode=prefix from=27
a push v synced
END
)
is "$got" "1 ok version=25
w ok version=25
* w mkdir t version=25
* w put t.a version=25 {1}
1
* w mkdir t.b version=25
* w put t.b.c version=25 {1}
2
* w mkdir t.e version=25
* w link t.l t.a version=25
* w synced version=25
2 ok version=26
* w unlink t.b.c version=26
3 ok version=27
* w append t.a offset=1 version=27 {1}
!
* w end ECANCELED canceled
4 ok
w ok version=27
* w put t.a version=27 {2}
1!
* w unlink t.b.c version=27
* w synced version=27
v ok version=27
* v synced version=27" "a prefix from the past, and from nothing"

# Something above the prefix is replaced: what differs is told.
got=$(talk <<'END'
a hello
a send w watch - t.b mode=prefix
a push w synced
a send 1 put - t.b.x {1}\n1
a until 1
a read 1
a send 2 unlink - t recursive=1
a until 2
a push w synced
a send 3 put - t.b.y {1}\n2
a until 3
a read 1
END
)
is "$got" "w ok version=27
* w synced version=27
1 ok version=28
* w put t.b.x version=28 {1}
1
2 ok version=29
* w lagged version=28
* w unlink t.b version=29
* w synced version=29
3 ok version=30
* w put t.b.y version=30 {1}
2" "a change above a watched prefix"

# ---- links ----

got=$(talk <<'END'
a hello
b hello
b send 1 link - way home
b send 2 put - home.k {1}\n1
b until 2
a send w watch - way.k
a read 2
b send 3 put - home.k {1}\n2
a read 1
b send 4 put - home2.k {1}\n3
b send 5 link - way home2
b until 5
a read 1
b send 6 put - home.k {1}\n4
b send 7 put - home2.k {1}\n5
a read 1
b send 8 unlink - way
a read 1
b send 9 link - way nowhere
b send 10 put - nowhere.k {1}\n6
a read 1
END
)
is "$(echo "$got" | sed 's/version=[0-9]*/version=N/')" "1 ok version=N
2 ok version=N
w ok version=N
* w value version=N {1}
1
* w value version=N {1}
2
3 ok version=N
4 ok version=N
5 ok version=N
* w value version=N {1}
3
* w value version=N {1}
5
* w gone version=N
* w value version=N {1}
6" "a watch follows links that change"

# The output of a job: a link to the job's namespace, which is adopted in its
# place; each byte once.
got=$(talk <<'END'
a hello
b hello
a send w watch - job.1.guest.output mode=append wait=1
a read 1
b load 1 commit - | make-namespace job-1\nlink job.1.guest . target-ns=job-1\n
b read 1
b send 2 append job-1 output {3}\none
a read 1
b send 3 append job-1 output {3}\ntwo
a read 1
b raw 4 append job-1 output {5}\nthree\n5 put job-1 other {1}\nx\n6 commit - {24}\nadopt job.1.guest job-1\n\n7 append - job.1.guest.output {4}\nfour\n
b until 7
b load 9 commit - | append job.1.guest.output {4}\nfive\nput job.1.guest.z {1}\nz\n
b send 10 append - job.1.guest.output {1}\n.
b until 10
b send 11 get - job.1.guest.output
b read 1
a send p ping
a until p
b send 12 put - job.1.guest.output {1}\n-
a push w reset
a read 1
b send 13 get job-1 output
b until 13
END
)
data=$(echo "$got" | grep -A1 '^\* w data' | grep -v -e '^\*' -e '^--' | tr -d '\n')
is "$data" "onetwothreefourfive.-" "an appended value through adopt: each byte once"
matches "$got" '^\* w reset' "then a put resets it"
matches "$got" '^13 err ENOENT namespace job-1 does not exist' \
	"the namespace is gone"

# In one batch: appended there, adopted, appended here.
got=$(talk <<'END'
a hello
b hello
b load 1 commit - | make-namespace job-2\nlink job.2.guest . target-ns=job-2\n
b read 1
b send 2 append job-2 output {3}\n012
b read 1
a send w watch - job.2.guest.output mode=append
a read 2
b raw 3 append job-2 output {1}\n3\n4 commit - {24}\nadopt job.2.guest job-2\n\n5 append - job.2.guest.output {1}\n4\n
b until 5
a push w data
END
)
is "$(echo "$got" | grep -A1 '^\* w data' | grep -v -e '^\*' -e '^--' |
	tr -d '\n')" 01234 "adopt between appends in one batch"
is "$(echo "$got" | grep -c reset)" 0 "is no reset"

# ---- the end of a namespace ----

got=$(talk <<'END'
a hello
b hello
b send 1 ns-create n
b send 2 put n k {1}\n1
b send 3 link - to k target-ns=n
b until 3
a send w watch n k
a read 2
a send p watch n . mode=prefix
a read 2
a send l watch - to
a read 2
b send 4 ns-remove n
a read 3
b send 5 ns-create n
b send 6 put n k {1}\n2
a read 1
END
)
is "$(echo "$got" | grep '^\*' | sed 's/version=[0-9]*/version=N/' | sort)" \
"* l gone version=N
* l value version=N {1}
* l value version=N {1}
* p end ENOENT namespace n does not exist
* p synced version=N
* w end ENOENT namespace n does not exist
* w value version=N {1}" "watches of a removed namespace end; over a link they wait"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
