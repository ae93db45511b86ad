#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys, links and trees that a client should not have sent. weir-protocol(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

# repeat N TEXT
repeat()
{
	awk -v n="$1" -v t="$2" 'BEGIN { while (n--) printf "%s", t }'
}

# ---- long and deep ----

got=$(
	{
		printf '%s\n' "a hello" \
			"a send 1 put - $(repeat 255 n) {1}\n1" \
			"a send 2 put - $(repeat 256 n) {1}\n1" \
			"a send 3 put - $(repeat 63 d.)d {1}\n1" \
			"a send 4 put - $(repeat 64 d.)d {1}\n1" \
			"a send 5 put - $(repeat 600 d.)d {1}\n1" \
			"a until 5" \
			'a raw 6 commit - {1048586}\nput ' \
			"a fill 1048576" \
			'a send  {0}\n\n' \
			"a until 6" \
			'a raw 7 commit - {20008}\nmkdir '
		for i in 1 2 3 4 5 6 7 8 9 10; do
			printf '%s\n' "a raw $(repeat 1000 d.)"
		done
		printf '%s\n' 'a send d\n' "a until 7" "a send 8 stat - ." \
			"a until 8"
	} | talk | sed -E 's/(n{20}|(d\.){5})[nd.]*/LONG/g'
)
is "$got" "1 ok version=1
2 err EINVAL operation 1: put LONG: a key's component of 256 bytes is too long: 255 at most
3 ok version=2
4 err EINVAL operation 1: put LONG: a key of 65 components is too deep: 64 at most
5 err EINVAL operation 1: put LONG: a key of 1201 bytes is too long: 1024 at most
6 err E2BIG operation 1: the line is over the limit of 16384 bytes
7 err E2BIG operation 1: the line is over the limit of 16384 bytes
8 ok version=2 type=dir size=2 hash=HASH" "names and keys that are too long or too deep"

# ---- links that lead in a circle ----

got=$(talk <<'END'
a hello
a send 1 link - self self\n2 link - x y\n3 link - y x\n4 link - in in.in
a until 4
a send 5 get - self\n6 get - x\n7 get - x.below\n8 put - x.below {1}\nb\n9 list - y\n10 get - in\n11 stat - x\n12 watch - x\n13 unlink - x
a until 10
a until 11
a until 12
a until 13
END
)
is "$got" "1 ok version=3
2 ok version=4
3 ok version=5
4 ok version=6
5 err ELOOP key self: more than 16 links on the way
6 err ELOOP key x: more than 16 links on the way
7 err ELOOP key x.below: more than 16 links on the way
8 err ELOOP operation 1: put x.below: key x.below: more than 16 links on the way
9 err ELOOP key y: more than 16 links on the way
10 err ELOOP key $(repeat 16 in.)in: more than 16 links on the way
11 ok version=6 type=link size=1 hash=HASH
12 err ELOOP key x: more than 16 links on the way
13 ok version=7" "links in a circle"

# ---- trees that are not there, or not the client's ----

zero=0000000000000000000000000000000000000000000000000000000000000000
got=$(talk <<END
a hello
a load 1 commit - | graft g $zero\n
a until 1
a load 2 commit - | graft g 12ab\n
a until 2
a load 3 commit - | put v {5}\nvalue\nmkdir d\n
a until 3
a load 4 commit - | append d {1}\nx\n
a until 4
a send 5 append - d {1}\nx\n6 append - . {1}\nx\n8 get - g
a until 8
a load 9 commit - | put v {1}\nx\nif-value d $zero\n
a until 9
a send 10 get - v
a until 10
END
)
is "$got" "1 err ESTALE operation 1: graft g $zero: $zero: it is not in the store
2 err EINVAL operation 1: graft g 12ab: '12ab' is no hash
3 ok version=8
4 err EISDIR operation 1: append d: Is a directory
5 err EISDIR operation 1: append d: Is a directory
6 err EISDIR operation 1: append .: the root is a directory
8 err ENOENT key g does not exist in namespace primary
9 err EISDIR if-value d $zero (operation 2): the key is a directory: if-value compares values, if-unchanged directories too
10 ok version=8 type=value size=5 {5}
value" "grafts, appends and comparisons of what is something else"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
