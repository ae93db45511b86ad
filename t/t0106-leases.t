#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Leases: keys that go with a client, now, later, and after a restart.
# weir-protocol(7), Leases.
. "${srcdir:-.}/t/tap.sh"

# the time of an end, twice: for people and for programs
ended='s/, at [0-9TZ:-]* \[ended=[0-9]*\.[0-9]*\]$/, at WHEN/'
start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

got=$(talk <<'END'
w hello
w send w watch - n mode=prefix
w read 2
a hello
a send 1 lease 0
a read 1
a send 2 put - n.1 lease=1 {1}\nx
a send 3 put - n.2 lease=1 {1}\ny
a send 4 put - n.3 {1}\nz
a until 4
w read 3
a close
w read 2
b hello
b send 5 list - n
b until 5
b send 6 put - n.4 lease=1 {1}\nx
b until 6
b send 7 lease-renew 1
b until 7
END
)
is "$(echo "$got" | grep -v -e '^[xyz]$' -e '^$' |
	sed -e 's/version=[0-9]*/version=N/' -e "$ended" | LC_ALL=C sort)" "* w put n.1 version=N {1}
* w put n.2 version=N {1}
* w put n.3 version=N {1}
* w synced version=N
* w unlink n.1 version=N
* w unlink n.2 version=N
1 ok id=1
2 ok version=N
3 ok version=N
4 ok version=N
5 ok version=N count=1 more=0 {10}
6 err ENOENT lease 1 has ended, at WHEN
7 err ENOENT lease 1 has ended, at WHEN
value 1 3
w ok version=N" "a lease of no seconds ends with its connection"

got=$(talk <<'END'
w hello
w send w watch - m mode=prefix
w read 2
a hello
a send 1 lease 0
a send 2 put - m.1 lease=2 {1}\nx
a until 2
b hello
b send 3 lease-renew 2
b until 3
a close
b send 4 get - m.1
b until 4
b send 5 put - m.1 {1}\ny
b send 6 put - m.2 lease=2 {1}\nz
b send 7 put - m.3 lease=2 {1}\nz
b send 8 put - m.3.d {1}\nz
b send 9 lease-end 2
b until 9
b send 10 list - m
b until 10
b send 11 lease-end 2
b until 11
b send 12 lease 0.01
b send 13 put - m.4 lease=3 {1}\nz
b until 13
b close
w push w unlink
w push w unlink
END
)
is "$(echo "$got" | sed -n '/^10/,/^11/p' | sed -e 's/version=[0-9]*/version=N/' -e "$ended")" \
"10 ok version=N count=2 more=0 {18}
value 1 1
dir 1 3

11 err ENOENT lease 2 has ended, at WHEN" "renewing, ending, and keys that are another's by now"
matches "$got" 'unlink m.4' "one of a hundredth of a second ends by its clock"

got=$(talk <<'END'
a hello
a send 1 lease 0.05
a send 2 lease 3600
a send 3 put - r.short lease=4 {1}\nx
a send 4 put - r.long lease=5 {1}\nx
a until 4
END
)
is "$(echo "$got" | sed 's/version=[0-9]*/version=N/')" "1 ok id=4
2 ok id=5
3 ok version=N
4 ok version=N" "ids grow"
stop_kvsd KILL
start_kvsd || ok 1 "kvsd starts again"
got=$(talk <<'END'
a hello
a send w watch - r.short wait=1
a until w
a send 1 lease-renew 5
a until 1
a send 2 get - r.long
a until 2
a send 3 lease 1
a until 3
a send 4 lease-renew 2
a until 4
END
)
is "$(echo "$got" | sed -e '/^\*/,+1d' -e 's/version=[0-9]*/version=N/' \
	-e "$ended")" "w ok version=N
1 ok seconds=3600.000000
2 ok version=N type=value size=1 {1}
x
3 ok id=6
4 err ENOENT lease 2 has ended, at WHEN" "leases, their keys and their numbers survive kill -9"
got=$(talk <<'END'
a hello
a send w watch - r mode=prefix from=0
a push w synced
a send 1 stat - r.short
a until 1
END
)
case $got in
*"1 ok"*)
	got=$(printf '%s\n' 'a hello' 'a send w watch - r.short' \
		'a push w gone' | talk) ;;
*)	got="gone" ;;
esac
matches "$got" "gone" "the short one has its seconds from the restart on"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
