#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Quotas in the protocol: who sets and who sees them; a transaction over one
# fails alone. weir-protocol(7), weir-kvs(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd || ok 1 "kvsd starts"
got=$(talk <<'END'
a hello
a send 1 ns-create n quota-keys=3 quota-bytes=100
a until 1
a send 2 ns-info n
a until 2
a send 3 commit n {32}\nput a {1}\n1\nput b {1}\n2\nmkdir c\n\n
a until 3
a raw 4 put n d {1}\n4\n5 put - other {1}\n1\n6 put n a {2}\n11\n7 unlink n a\n8 put n e {1}\n5\n9 append n e {96}\n000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\n
a until 9
a send 10 get n e
a until 10
a send 11 get - other
a until 11
a send 12 ns-info n
a until 12
a send 13 ns-set n quota-bytes=none history-versions=5 history-time=1.5
a send 14 ns-info n
a until 14
a send 15 ns-set n quota-bytes=default history-time=default
a until 15
a send 16 ns-info n
a until 16
END
)
matches "$got" '^1 ok$' "made with quotas"
matches "$got" '^2 ok owner=[0-9]+ version=0 history-starts=0 keys=0 bytes=0 quota-keys=3 quota-bytes=100 history-versions=100000 history-time=TIME set=quota-keys,quota-bytes$' \
	"shown"
matches "$got" '^3 ok version=1' "up to the quota"
matches "$got" '^4 err EDQUOT namespace n has a quota of 3 keys and holds 3; it would hold 4' \
	"over it"
matches "$got" '^5 ok' "another one's transaction beside it is done"
matches "$got" '^6 ok' "a value may be another"
matches "$got" '^7 ok' "keys can be removed"
matches "$got" '^8 ok' "and then be made"
matches "$got" '^9 err EDQUOT namespace n has a quota of 100 bytes and holds 5; it would hold 101' \
	"an append is counted"
matches "$got" '^10 ok .*\{1\}' "and was not done"
matches "$got" '^11 ok .*\{1\}' "the other one was"
matches "$got" '^12 ok .* version=4 .*keys=3 bytes=5 ' "what it holds"
matches "$got" '^14 ok .* quota-keys=3 quota-bytes=none history-versions=5 history-time=TIME set=quota-keys,quota-bytes,history-versions,history-time$' \
	"set, the rest as it was"
matches "$got" '^16 ok .* quota-keys=3 quota-bytes=none history-versions=5 history-time=TIME set=quota-keys,history-versions$' \
	"back to what the instance says"

got=$(talk <<'END'
a hello
a send 1 ns-set n quota-keys=x
a send 2 ns-set n quota-bytes=-1
a send 3 ns-set n quota-bytes=18446744073709551614
a send 4 ns-set n history-time=none
a send 5 ns-set none quota-keys=1
a send 6 ns-info none
a send 7 quota-set me quota-keys=1
a send 8 quota-set 4294967295 quota-keys=1
a send 9 quota x
a send 10 ns-create m quota-keys=x
a send 11 ns-info m
a send 12 ns-set n quota=1
a until 12
END
)
for i in 1 2 3 4 7 8 9 10 12; do
	matches "$got" "^$i err EINVAL" "refused: $i"
done
for i in 5 6 11; do
	matches "$got" "^$i err ENOENT namespace" "there is none: $i"
done

# ---- trees from elsewhere count in one transaction ----

got=$(talk <<'END'
a hello
a send 1 ns-create src quota-keys=none
a send 2 ns-create dst quota-keys=4
a send 3 commit src {28}\nput d.a {1}\n1\nput d.b {1}\n2\n\n
a until 3
a send 4 commit dst {15}\nadopt here src\n\n
a until 4
a send 4 commit dst {15}\nadopt here src\n\n
a until 4
a send 5 ns-info dst
a until 5
a send 6 quota
a until 6
a send 7 commit dst {29}\ncopy x here.d\nput here {1}\nx\n\n
a until 7
a send 8 ns-info dst
a until 8
END
)
matches "$got" '^5 ok .*keys=4 bytes=9 quota-keys=4 ' "an adopted tree counts"
matches "$got" '^6 ok uid=[0-9]+ keys=[0-9]+ bytes=[0-9]+ quota-keys=none quota-bytes=none set=$' \
	"one's own sum"
matches "$got" '^7 ok' "what is replaced in the same transaction does not"
matches "$got" '^8 ok .*keys=4 bytes=10 ' "exactly"

# A tree that doubles with each transaction cannot be counted at some time.
{
	printf 'a hello\na send 0 ns-create t\na send 00 put t t.a {1}\\n1\na until 00\n'
	i=1
	while [ $i -le 62 ]; do
		printf 'a send %d commit t {22}\\ncopy u.a t\\ncopy u.b t\\n\\n\na until %d\n' \
			"$i" "$i"
		printf 'a send m%d commit t {30}\\ncopy t u\\nunlink u recursive=1\\n\\n\na until m%d\n' \
			"$i" "$i"
		i=$((i + 1))
	done
} >"$WORK/double"
got=$(talk <"$WORK/double")
matches "$got" '^50 ok' "trees of 2^50 keys are counted"
matches "$got" '^6[0-2] err EFBIG .*too large' "those of 2^63 bytes are refused"
got=$(printf 'a hello\na send 1 ns-info t\na until 1\n' | talk)
matches "$got" '^1 ok .*keys=[0-9]{18,19} ' "and what there is stays"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"

# ---- who may ----

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	skip "others' roles" "needs root and setpriv"
	done_testing
	exit
fi
talk_as()
{
	setpriv --reuid="$1" --regid="$1" --clear-groups \
		"$WORK/wiretalk" "$SOCKET" 2>&1
}
chmod 755 "$WORK"
cp "$builddir/t/tool/wiretalk" "$WORK/wiretalk"
start_kvsd --allow-users --admin=777 || ok 1 "kvsd starts"
talk >/dev/null <<'END'
a hello
a send 1 ns-create theirs owner=12345 quota-keys=2
a send 2 ns-create others owner=4711
a until 2
END
got=$(talk_as 12345 <<'END'
a hello
a send 1 ns-info theirs
a until 1
a send 2 ns-info others
a send 3 ns-set theirs quota-keys=none
a send 4 quota
a send 5 quota 4711
a send 6 quota-set 12345 quota-keys=none
a send 7 quota-list
a until 7
a send 8 put theirs a.b.c {1}\n1
a until 8
END
)
matches "$got" '^1 ok owner=12345 .*quota-keys=2 ' "the namespace's owner sees"
matches "$got" '^2 err EPERM' "not others'"
matches "$got" '^3 err EPERM ns-set is for the instance.s admin' "and cannot set"
matches "$got" '^4 ok uid=12345 keys=0 ' "sees its sum"
matches "$got" '^5 err EPERM' "not others'"
matches "$got" '^6 err EPERM' "and cannot set that"
matches "$got" '^7 err EPERM' "nor list"
matches "$got" '^8 err EDQUOT namespace theirs has a quota of 2 keys' \
	"the quota holds for it"
got=$(talk_as 777 <<'END'
a hello
a send 1 ns-info theirs
a until 1
a send 2 ns-set theirs quota-keys=3
a until 2
a send 3 quota-set 12345 quota-bytes=100
a until 3
a send 4 quota 12345
a until 4
a send 5 quota-list
a until 5
END
)
matches "$got" '^1 ok owner=12345 ' "an admin sees"
matches "$got" '^2 ok$' "and sets"
matches "$got" '^3 ok$' "also users'"
matches "$got" '^4 ok uid=12345 .*quota-bytes=100 set=quota-bytes$' "sees these"
matches "$got" '^12345 0 0 none 100$' "and lists"
got=$(printf '%s\n' 'a hello' 'a send 8 put theirs a.b.c {1}\n1' 'a until 8' |
	talk_as 12345)
matches "$got" '^8 ok' "the new quota holds"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
