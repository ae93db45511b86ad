#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Transactions: what a failed condition tells, queues, fences, sync, versions
# that are kept. weir-protocol(7), Writing.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

# ---- conditions ----

got=$(talk <<'END'
a hello
a send 1 put - v {1}\nx\n2 mkdir - d\n3 link - l v\n4 put - odd%20key%5D {1}\nx
a until 4
a load 5 commit - | if-present v\nif-absent none\nif-absent d\nput z {0}\n\n
a read 1
a load 6 commit - | if-absent l\n
a read 1
a load 7 commit - | if-present none\n
a read 1
a load 8 commit - | if-unchanged v 0\n
a read 1
a load 9 commit - | if-root 2\n
a read 1
a load 10 commit - | if-value d 0000000000000000000000000000000000000000000000000000000000000000\n
a read 1
a load 11 commit - | if-value l 0000000000000000000000000000000000000000000000000000000000000000\n
a read 1
a load 12 commit - | if-value none 0000000000000000000000000000000000000000000000000000000000000000\n
a read 1
a load 13 commit - | if-absent odd%20key%5D\n
a read 1
a load 14 commit - | if-unchanged v 99\n
a read 1
a load 15 commit - | if-present v\nif-present d\nif-present l\n
a read 1
a load 16 commit - | if-unchanged v x\n
a read 1
a send 17 get - z
a read 1
END
)
is "$(echo "$got" | sed 's/0000*/ZERO/g')" "1 ok version=1
2 ok version=2
3 ok version=3
4 ok version=4
5 err ECANCELED if-absent d (operation 3): the key exists [condition=3 key=d found=dir version=4]
6 err ECANCELED if-absent l (operation 1): the key exists [condition=1 key=l found=link version=4]
7 err ECANCELED if-present none (operation 1): the key does not exist [condition=1 key=none found=absent version=4]
8 err ECANCELED if-unchanged v 0 (operation 1): its content is different now [condition=1 key=v found=value hash=HASH version=4]
9 err ECANCELED if-root 2 (operation 1): the namespace is at another version [condition=1 version=4]
10 err EISDIR if-value d ZERO (operation 1): the key is a directory: if-value compares values, if-unchanged directories too
11 err EINVAL if-value l ZERO (operation 1): the key is a link: if-value compares values
12 err ECANCELED if-value none ZERO (operation 1): the key does not exist [condition=1 key=none found=absent version=4]
13 err ECANCELED if-absent odd key] (operation 1): the key exists [condition=1 key=odd%20key] found=value hash=HASH version=4]
14 err ECANCELED if-unchanged v 99 (operation 1): the namespace has not that version yet [condition=1 key=v found=value hash=HASH version=4]
15 ok version=5
16 err EINVAL operation 1: 'x' is no version
17 err ENOENT key z does not exist in namespace primary" "a failed condition says which, where, and what was found"

# ---- queues ----

got=$(talk <<'END'
a hello
a send w watch - q mode=prefix
a read 2
a load 1 commit - | enqueue q {1}\nx\n
a until 1
a load 2 commit - | enqueue q suffix=-shared {1}\ny\nput other {0}\n\n
a until 2
a push w put
a load 3 commit - | enqueue v {0}\n\n
a until 3
a load 4 commit - | enqueue q {0}\n\nenqueue q {0}\n\n
a until 4
a load 5 commit - | enqueue q suffix=.x {0}\n\n
a until 5
a load 6 commit - | enqueue v.x {0}\n\n
a until 6
a send 7 lease 0
a load 8 commit - | enqueue q lease=1 {0}\n\n
a until 8
a send 9 ns-create other\n10 link - away x target-ns=other
a until 10
a load 11 commit - | enqueue away {0}\n\n
a until 11
a send 12 unlink - q recursive=1
a until 12
a load 13 commit - | enqueue q {0}\n\n
a until 13
a send 14 list - q
a until 14
END
)
is "$(echo "$got" | grep -v '^[xy]*$')" "w ok version=5
* w synced version=5
1 ok version=6
* w put q.00000000000000000006 version=6 {1}
2 ok version=7
* w put q.00000000000000000007-shared version=7 {1}
3 err ENOTDIR operation 1: enqueue v: there is a value
4 err EEXIST operation 2: enqueue q.00000000000000000008: a transaction enqueues once in a directory
5 err EINVAL operation 1: enqueue q .x: a suffix has no dot
6 err ENOTDIR operation 1: enqueue v.x: there is a value
7 ok id=1
8 ok version=8
* w put q.00000000000000000008 version=8 {0}
9 ok
10 ok version=9
11 err EINVAL operation 1: enqueue away: the queue is in another namespace
12 ok version=10
* w unlink q version=10
13 ok version=11
* w put q.00000000000000000011 version=11 {0}
14 ok version=11 count=1 more=0 {29}
value 0 00000000000000000011" "names in a queue rise, whatever has gone from it"

# ---- fences ----

got=$(talk <<'END'
a hello
b hello
c hello
a load 1 fence - f 3 | put f.1 {1}\nx\n
a send 2 ping
a until 2
b load 3 fence - f 2 | put f.2 {1}\nx\n
b read 1
b load 4 fence - f 3 | bad\n
b read 1
b load 5 fence - f 3 | put f.2 {1}\nx\n
b send 6 ping
b until 6
c load 7 fence - f 3 | if-absent f.1\n
c read 1
b read 1
a read 1
c load 8 fence - f 1 | if-absent f.1\n
c read 1
END
)
is "$got" "2 ok time=TIME
3 err EINVAL fence f is one of 3 participants, not of 2
4 err EINVAL operation 1: there is no operation 'bad'
6 ok time=TIME
7 ok version=12
5 ok version=12
1 ok version=12
8 err ECANCELED if-absent f.1 (operation 1): the key exists [condition=1 key=f.1 found=value hash=HASH version=12]" \
	"a fence: one transaction of three"

got=$(talk <<'END'
a hello name=one
b hello name=two
c hello
a load 1 fence - f 3 | put g.1 {1}\nx\n
b load 2 fence - f 3 | put g.2 {1}\nx\n
b send 3 ping
b until 3
a send 4 ping
a until 4
b close
a read 1
a load 5 fence - f 3 timeout=0.01 | put g.1 {1}\nx\n
a read 1
a load 6 fence - f 3 | put g.1 {1}\nx\n
a load 7 fence - f 3 | put g.2 {1}\nx\n
a send 8 cancel 6
a read 3
a send 9 fence - f 0 {0}\n\n10 fence - f 65537 {0}\n\n11 fence none f 1 {0}\n\n12 fence - %- 1 {0}\n
a until 12
a send 13 stat - g
a until 13
c load 14 fence - f 2 | if-absent f.1\n
c send 15 ping
c until 15
a send 16 fence - f 2 {0}\n
a until 16
c until 14
END
)
is "$(echo "$got" | sed 's/when c[0-9]* two (pid [0-9]*, uid [0-9]*)/when TWO/')" \
"3 ok time=TIME
4 ok time=TIME
1 err ECONNRESET fence f: 2 of 3 participants were missing when TWO left [missing=2 count=3]
5 err ETIMEDOUT fence f: 2 of 3 participants were missing when the time of one of them was over [missing=2 count=3]
6 err ECANCELED fence f: 1 of 3 participants were missing when one of them canceled [missing=1 count=3]
7 err ECANCELED fence f: 1 of 3 participants were missing when one of them canceled [missing=1 count=3]
8 ok
9 err EINVAL '0' is no number of participants from 1 to 65536
10 err EINVAL '65537' is no number of participants from 1 to 65536
11 err ENOENT namespace none does not exist
12 err EINVAL a fence's name has 1 to 255 bytes
13 err ENOENT key g does not exist in namespace primary
15 ok time=TIME
16 err ECANCELED if-absent f.1 (operation 1): the key exists [condition=1 key=f.1 found=value hash=HASH version=12]
14 err ECANCELED if-absent f.1 (operation 1): the key exists [condition=1 key=f.1 found=value hash=HASH version=12]" \
	"a fence that fails, fails for all, and says how many were missing"

# ---- sync, and versions that are kept ----

got=$(talk <<'END'
a hello
a send 1 put - s {1}\nx\n2 sync -\n3 sync - 0\n4 sync - 13
a until 4
a send 5 sync - 14 timeout=0\n6 sync - x\n7 sync - 1 2\n8 sync none
a until 5
b hello
a send 9 sync - 14
b send 1 put - s {1}\ny
b until 1
a until 9
END
)
is "$got" "1 ok version=13
2 ok version=13
3 ok version=13
4 ok version=13
6 err EINVAL sync takes a namespace and a version
7 err EINVAL sync has no argument '2': sync NS [VERSION] [timeout=SECONDS]
8 err ENOENT the namespace does not exist
5 err ETIMEDOUT the version has not come in time
1 ok version=14
9 ok version=14" "sync"

# All in one batch: only what asks for it is kept.
got=$(talk <<'END'
a hello
a raw 1 put - k {1}\n1\n2 commit - merge=0 {12}\nput k {1}\n2\n\n3 put - k {1}\n3\n4 commit - merge=0 {12}\nput k {1}\n4\n\n5 put - k {1}\n5\n
a until 5
a send 6 get - k at=16
a until 6
a send 7 get - k at=18
a until 7
a load 8 commit - | if-unchanged k 16\n
a until 8
a send 9 commit - merge=2 {0}\n
a until 9
END
)
is "$got" "1 ok version=15
2 ok version=16
3 ok version=17
4 ok version=18
5 ok version=19
6 ok version=16 type=value size=1 {1}
2
7 ok version=18 type=value size=1 {1}
4
8 err ECANCELED if-unchanged k 16 (operation 1): its content is different now [condition=1 key=k found=value hash=HASH version=19]
9 err EINVAL merge=2 is neither 0 nor 1" "merge=0 keeps a version of a batch"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
