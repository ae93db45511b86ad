#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A prefix watch tells where among what became durable together it can be
# resumed. weir-protocol(7), Watching.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

raw_talk()
{
	"$builddir/t/tool/wiretalk" "$SOCKET" 2>&1
}

got=$(raw_talk <<'END'
a hello
b hello
a send w watch - p mode=prefix
a read 2
b load 1 commit - | put p.a {1}\n1\nput other {0}\n\nunlink p.a\n
b until 1
a read 2
b load 2 commit - | put p.b {1}\n2\n
b until 2
a read 1
b send 3 put - p.c {1}\n3\n4 put - other {1}\nx\n5 put - p.d {1}\n4\n6 put - other {1}\ny
b until 6
a read 2
END
)
is "$got" "w ok version=0
* w synced version=0
1 ok version=1
* w put p.a version=1 more=1 {1}
1
* w unlink p.a version=1
2 ok version=2
* w put p.b version=2 {1}
2
3 ok version=3
4 ok version=4
5 ok version=5
6 ok version=6
* w put p.c version=3 more=1 {1}
3
* w put p.d version=5 whole=6 {1}
4" "all but the last have more=1, the last says which version is kept"

# From a version in between, what differs is told since the kept one before.
# A key that came and went meanwhile is no part of that; from whole= it is.
got=$(raw_talk <<'END'
b hello
b send 1 unlink - p.c
b until 1
b send v watch - p mode=prefix from=3
b push v synced
b send w watch - p mode=prefix from=6
b push w synced
END
)
is "$got" "1 ok version=7
v ok version=7
* v put p.d version=7 {1}
4
* v synced version=7
w ok version=7
* w unlink p.c version=7
* w synced version=7" "from whole= nothing is missing"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
