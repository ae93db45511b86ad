#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Namespaces that go with a lease. weir-protocol(7), ns-create.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }

got=$(talk <<'END'
w hello
a hello
a send 1 lease 0
a send 2 ns-create mine lease=1
a send 3 ns-create other lease=1
a send 4 ns-create mine lease=1
a send 5 ns-create none lease=7
a send 6 ns-create none lease=x
a send 7 ns-create none lease=0
a send 8 put mine a.b {1}\nx
a send 9 put - kept lease=1 {1}\nx
a send 10 put other o lease=1 {1}\nx
a until 10
w send w watch mine . mode=prefix
w send v watch other o
w send u watch - kept
w until u
w read 2
b hello
b send 11 ns-list
b until 11
a close
w push v end
w push w end
w push u gone
b send 12 ns-list
b send 13 put mine a {1}\nx
b send 14 list - .
b until 14
END
)
is "$(echo "$got" | grep -v '^[*wvu]' | sed 's/, at .*//')" "1 ok id=1
2 ok
3 ok
4 err EEXIST namespace mine exists
5 err ENOENT lease 7 has ended
6 err EINVAL lease=x is no number
7 err ENOENT lease 0 has ended
8 ok version=1
9 ok version=1
10 ok version=1
x
x
11 ok {$(printf 'mine %d 1\nother %d 1\nprimary %d 1\n' "$(id -u)" \
	"$(id -u)" "$(id -u)" | wc -c)}
mine $(id -u) 1
other $(id -u) 1
primary $(id -u) 1

12 ok {$(printf 'primary %d 2\n' "$(id -u)" | wc -c)}
primary $(id -u) 2

13 err ENOENT namespace mine does not exist
14 ok version=2 count=0 more=0 {0}" "they go with the connection, and what is bound beside them"
matches "$got" '^\* w end ENOENT' "a watch on one is told"
matches "$got" '^\* v end ENOENT' "likewise on a key that is bound too"

# What was adopted stays, and so does a namespace of the same name.
got=$(talk <<'END'
a hello
a send 1 lease 0
a send 2 ns-create one lease=2
a send 3 ns-create two lease=2
a send 4 put one k {1}\n1
a send 5 commit - {15}\nadopt here one\n
a send 6 ns-remove two
a send 7 ns-create two
a send 8 put two k {1}\n2
a send 9 snapshot one
a send 10 lease-end 2
a send 11 get - here.k
a send 12 get two k
a until 12
END
)
is "$got" "1 ok id=2
2 ok
3 ok
4 ok version=1
5 ok version=3
6 ok
7 ok
8 ok version=1
9 err ENOENT namespace one does not exist
10 ok
11 ok version=3 type=value size=1 {1}
1
12 ok version=1 type=value size=1 {1}
2" "what was adopted stays, and another of its name"

# Over a restart the lease has its seconds; then it ends, by itself or not.
got=$(talk <<'END'
a hello
a send 1 lease 3600
a send 2 ns-create long lease=3
a send 3 put long k {1}\n1
a send 4 lease 2
a send 5 ns-create short lease=4
a until 5
END
)
stop_kvsd KILL
start_kvsd
ok $? "kvsd is killed and started again"
waiting "the end of namespace short"
while got=$(printf 'a hello\na send 1 root short\na until 1\n' | talk)
	[ "${got#1 ok}" != "$got" ]; do :; done
waited
got=$(talk <<'END'
a hello
a send w watch short . mode=prefix
a until w
a send 1 get long k
a send 2 lease-end 3
a send 3 get long k
a until 3
END
)
is "$got" "w err ENOENT namespace short does not exist
1 ok version=1 type=value size=1 {1}
1
2 ok
3 err ENOENT namespace long does not exist" "which the bindings survive"
stop_kvsd TERM
start_kvsd
got=$(talk <<'END'
a hello
a send 1 ns-list
a until 1
END
)
is "$(echo "$got" | sed -n 's/ .*//; 2,$p' | tr -d '\n')" "primarytwo" \
	"and so does what is left"
stop_kvsd TERM
done_testing
