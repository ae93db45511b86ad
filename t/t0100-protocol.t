#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The protocol as its page shows it, typed with nc, and by a script that waits
# for each answer. weir-protocol(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

sequence='s/sequence=[0-9]+/sequence=S/'

# ---- as a person would ----

if command -v nc >/dev/null && nc -h 2>&1 | grep -q OpenBSD; then
	got=$(nc -N -U "$SOCKET" <<'END'
1 hello 1
2 put primary greeting {5}
hello
3 get primary greeting
END
)
	id=$(cat "$STATE/instance")
	uid=$(id -u)
	is "$got" "1 ok protocol=1 server=weir-0.1.0 instance=$id endpoint=c1 uid=$uid role=owner payload-max=134217728
2 ok version=1
3 ok version=1 type=value size=5 {5}
hello" "the synopsis, with nc"
else
	skip "the synopsis, with nc" "no netcat-openbsd"
fi

got=$(talk <<'END' | sed -E "$sequence"
a hello
a send w watch primary a.b wait=1
a until w
a send 2 put primary a.b {1}\nx
a push w value
a send 3 put primary a.b {1}\ny
a push w value
a send s subscribe foo
a until s
a send 4 publish foo.bar {2}\nhi
a push s event
END
)
is "$got" "w ok version=1
2 ok version=2
* w value version=2 {1}
x
3 ok version=3
* w value version=3 {1}
y
s ok sequence=S
4 ok sequence=S
* s event foo.bar sequence=S uid=$(id -u) {2}
hi" "the example: watch, change twice, publish"

# ---- connection ----

got=$(talk <<'END'
a hello
a send 1 ping
a read 1
a send 2 help command=ping
a read 1
a send 3 hello 1
a read 1
a send - ping
a send 4 cancel nothing
a read 1
a send 5 quit
a eof
END
)
is "$got" "1 ok time=TIME
2 ok {44}
ping (user): answer with the server's clock

3 err EPROTO hello was said before
4 err ENOENT tag nothing stands for nothing that can be canceled
5 ok
eof" "ping, help, a second hello, no reply to the tag -, cancel, quit"

got=$(talk <<'END'
a open
a send 1 hello 2
a read 1
a send 2 hello 1 endpoint=me
a drain 2
b open
b send 1 hello 1 endpoint=me
b read 1
END
)
like "$got" "1 err EPROTO protocol 2 is not spoken here: 1 is
2 ok protocol=1 * endpoint=me *
1 err EEXIST endpoint me is taken" "versions and endpoints of hello"

# ---- reading and writing ----

got=$(talk <<'END'
a hello
a load 1 commit - hash=1 | mkdir d\nput d.one {3}\n111\nappend d.log {2}\nab\nlink l d.one\nput e {0}\n\nunlink e\n
a read 1
a send 2 get - l
a read 1
a send 3 list - d
a read 1
a send 4 readlink - l
a read 1
a send 5 stat - l
a read 1
a send 6 stat - d
a read 1
a send 7 get - d.log offset=1 length=10
a read 1
a send 8 get - d
a read 1
a send 9 get - d.one.two
a read 1
a send 10 get - none
a read 1
a send 11 list - d limit=1
a read 1
a send 12 list - d after=log
a read 1
a send 13 unlink - d
a read 1
a send 14 unlink - d recursive=1
a read 1
a send 15 get - d.one at=4
a read 1
a send 16 root -
a read 1
a send 17 get - l
a read 1
END
)
is "$got" "1 ok version=4 hash=HASH
2 ok version=4 type=value size=3 {3}
111
3 ok version=4 count=2 more=0 {24}
value 2 log
value 3 one

4 ok version=4 target=d.one
5 ok version=4 type=link size=5 hash=HASH
6 ok version=4 type=dir size=2 hash=HASH
7 ok version=4 type=value size=2 {1}
b
8 err EISDIR d is a directory
9 err ENOTDIR key d.one.two of namespace primary: a component before the last is not a directory
10 err ENOENT key none does not exist in namespace primary
11 ok version=4 count=1 more=1 {12}
value 2 log

12 ok version=4 count=1 more=0 {12}
value 3 one

13 err ENOTEMPTY operation 1: unlink d: the directory has entries
14 ok version=5
15 ok version=4 type=value size=3 {3}
111
16 ok version=5 hash=HASH owner=$(id -u)
17 err ENOENT key d.one does not exist in namespace primary" \
	"commit, get, list, stat, readlink, unlink, and the past"

got=$(talk <<'END'
a hello
a load 1 commit - | if-absent x\nput x {9}\nonce\n
a read 1
a load 2 commit - | if-absent x\nput x {3}\none\n\n
a read 1
a load 3 commit - | if-absent x\nput x {3}\none\n
a read 1
a load 4 commit - | if-absent x\nput x {3}\ntwo\n
a read 1
a load 5 commit - | if-root 6\nfly x {5}\nthree\n
a read 1
a load 6 commit - | if-root 6\nput x {5}\nthree\n
a read 1
a load 7 commit - | if-root x\n
a read 1
a load 8 commit - | put y {3}\none\nunlink none\n
a read 1
a send 9 get - y
a read 1
END
)
is "$got" "1 err EPROTO operation 2: it is not complete
2 err EPROTO operation 3: malformed line: two spaces, or one at an end
3 ok version=6
4 err ECANCELED if-absent x (operation 1): the key exists [condition=1 key=x found=value hash=HASH version=6]
5 err EINVAL operation 2: there is no operation 'fly'
6 ok version=7
7 err EINVAL operation 1: 'x' is no version
8 err ENOENT operation 2: unlink none: key none does not exist in namespace primary
9 err ENOENT key y does not exist in namespace primary" \
	"conditions, what is no transaction, all or nothing"

# Everything in one write: each sees what was sent before it.
got=$(talk <<'END'
a hello
a send 1 put - o {1}\n1\n2 get - o\n3 put - o {1}\n2\n4 get - o\n5 append - o {1}\n3\n6 get - o\n7 list - .\n8 unlink - o\n9 get - o\n10 stat - x
a until 10
END
)
is "$got" "1 ok version=8
2 ok version=8 type=value size=1 {1}
1
3 ok version=9
4 ok version=9 type=value size=1 {1}
2
5 ok version=10
6 ok version=10 type=value size=2 {2}
23
7 ok version=10 count=5 more=0 {54}
dir 1 a
value 5 greeting
link 5 l
value 2 o
value 5 x

8 ok version=11
9 err ENOENT key o does not exist in namespace primary
10 ok version=11 type=value size=5 hash=HASH" "requests take effect in their order"

# ---- namespaces ----

got=$(talk <<'END'
a hello
a send 1 ns-create n
a read 1
a send 2 ns-create n
a read 1
a send 3 put n k {1}\nv
a read 1
a send 4 ns-list
a read 1
a send 5 link - far k target-ns=n
a read 1
a send 6 get - far
a read 1
a send 7 sync n 2
a send p ping
a until p
b hello
b send 1 put n k {1}\nw
b read 1
a read 1
a send 8 sync n 9 timeout=0.01
a read 1
a send 9 ns-remove n
a read 1
a send 10 get n k
a read 1
a send 11 ns-remove -
a read 1
END
)
is "$got" "1 ok
2 err EEXIST namespace n exists
3 ok version=1
4 ok {$((17 + $(id -u | tr -d '\n' | wc -c) * 2))}
n $(id -u) 1
primary $(id -u) 11

5 ok version=12
6 ok version=12 type=value size=1 {1}
v
p ok time=TIME
1 ok version=2
7 ok version=2
8 err ETIMEDOUT the version has not come in time
9 ok
10 err ENOENT namespace n does not exist
11 err EPERM primary cannot be removed" "namespaces, links between them, sync"

# ---- the log, figures ----

got=$(talk <<'END'
a hello
a send 1 log-clear
a read 1
a send 2 log 6 me {5}\nlines
a read 1
a send 3 log 9 me {1}\nx
a read 1
a send 4 log-read
a until 4
a send 5 log-read follow=1
a read 1
b hello
b send 1 log 3 you {4}\nmore
b read 1
a read 1
a send 6 cancel 5
a read 2
END
)
is "$got" "1 ok
2 ok
3 err EINVAL '9' is no severity from 0 to 7
4 more time=TIME level=6 name=me {5}
lines
4 ok
5 more time=TIME level=6 name=me {5}
lines
1 ok
5 more time=TIME level=3 name=you {4}
more
5 ok
6 ok" "the log"

got=$(printf 'a hello\na send 1 stats\na read 1\n' | "$builddir/t/tool/wiretalk" "$SOCKET")
matches "$got" '^1 ok \{[0-9]+\}$' "figures"

# ---- events ----

got=$(talk <<'END' | sed -E -e "$sequence"
a hello
b hello
a send s subscribe job
a read 1
b send all subscribe %-
b read 1
b send 1 publish job.new {1}\n1
b until 1
a read 1
b read 1
b send 2 publish other
b until 2
b read 1
a send 3 cancel s
a until 3
a send 4 publish %-
a read 1
END
)
is "$got" "s ok sequence=S
all ok sequence=S
1 ok sequence=S
* s event job.new sequence=S uid=$(id -u) {1}
1
* all event job.new sequence=S uid=$(id -u) {1}
1
2 ok sequence=S
* all event other sequence=S uid=$(id -u)
* s end ECANCELED canceled
3 ok
4 err EINVAL a topic has 1 to 255 bytes" "events by prefix"

first=$(printf 'a hello\na send 1 publish a\na send 2 publish a\na send 3 publish a\na until 3\n' |
	"$builddir/t/tool/wiretalk" "$SOCKET" | sed 's/.*=//')
# shellcheck disable=SC2086
set -- $first
ok $(($1 + 1 == $2 && $2 + 1 == $3 ? 0 : 1)) "numbers without a gap"

# ---- every row of the table is used by one of these tests ----

untested=$(sed -n 's/^COMMAND([a-z_]*, "\([a-z-]*\)".*/\1/p' \
		"$srcdir/proto/commands.h" | while read -r word; do
	grep -Eq "(send|load|raw|n)[0-9a-z ]* [0-9a-zA-Z-]+ $word( |\\\\|\$)" \
		"$srcdir"/t/t01??-*.t || echo "$word"
done)
is "$untested" "" "every command is used by these tests"

stop_kvsd
is "$KVSD_STATUS" 0 "SIGTERM: a clean end"
ok $([ ! -e "$SOCKET" ]; echo $?) "which removes the socket"
is "$(grep -c -i -e error -e sanitizer "$WORK/stderr")" 0 "and nothing was wrong"

done_testing
