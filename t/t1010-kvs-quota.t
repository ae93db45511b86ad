#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir kvs namespace create, set, show and quota: what namespaces and users
# hold, may hold and keep, over a restart. weir-kvs(1), weir-kvs(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd || ok 1 "kvsd starts"
export WEIR_URI="local://$SOCKET"
me=$(id -u)

shown()	# NAMESPACE: what it holds and may hold, in one line
{
	weir kvs namespace show "$1" |
		sed -n -E '/^(keys|bytes|quota-keys|quota-bytes)=/p' | paste -sd' '
}

run weir kvs namespace create --quota-bytes=1K --quota-keys=3 small
ran 0 '' '' "a namespace with quotas"
is "$(shown small)" "keys=0 quota-keys=3 bytes=0 quota-bytes=1024" "shown"
run weir kvs put -N small abc=12345
is "$(shown small)" "keys=1 quota-keys=3 bytes=8 quota-bytes=1024" \
	"a key counts its name and its value"
run weir kvs put -N small "big=$(printf '%01020d' 0)"
ran 1 '' 'weir-kvs: put: namespace small has a quota of 1024 bytes and holds 8; it would hold 1031' \
	"too many bytes"
run weir kvs put -N small a.b.c.d=1
ran 1 '' 'weir-kvs: put: namespace small has a quota of 3 keys and holds 1; it would hold 5' \
	"too many keys: directories are keys"
run weir kvs put -N small a.b=1
is "$STATUS $(shown small)" \
	"0 keys=3 quota-keys=3 bytes=11 quota-bytes=1024" "as many as may be"

run weir kvs namespace set --quota-keys=1 small
ran 0 '' '' "less than there is"
run weir kvs put -N small abc=1
ran 0 '' '' "to make less is possible"
run weir kvs put -N small abc=12
ran 0 '' '' "so are other values"
run weir kvs put -N small new=1
like "$STATUS $OUT$ERR" "1 *quota of 1 keys and holds 3; it would hold 4" \
	"no more keys"
run weir kvs unlink -R -N small a
is "$STATUS $(shown small)" \
	"0 keys=1 quota-keys=1 bytes=5 quota-bytes=1024" "a tree is removed"
run weir kvs put -N other x=1
like "$STATUS $ERR" "1 *namespace other does not exist" "no such namespace"
run weir kvs put x=1
ran 0 '' '' "others are not concerned"

# ---- trees that are taken as a whole ----

run weir kvs namespace create --quota-keys=4 trees
weir kvs put -N trees d.a=1 d.b=2
run weir kvs copy -S trees -D trees d e
like "$STATUS $ERR" "1 *namespace trees has a quota of 4 keys and holds 3; it would hold 6" \
	"a copy counts as what it is"
run weir kvs move -S trees -D trees d e
is "$STATUS $(shown trees)" \
	"0 keys=3 quota-keys=4 bytes=5 quota-bytes=none" "a move counts once"
run weir kvs snapshot -N trees -n s
weir kvs unlink -R -N trees e
is "$(shown trees)" "keys=0 quota-keys=4 bytes=0 quota-bytes=none" \
	"a snapshot is not in its namespace's count"
run weir kvs restore -N trees s
is "$STATUS $(shown trees)" \
	"0 keys=3 quota-keys=4 bytes=5 quota-bytes=none" "it is restored"
weir kvs unlink -R -N trees e
weir kvs namespace set --quota-keys=2 trees
run weir kvs restore -N trees s
like "$STATUS $ERR" "1 *quota of 2 keys and holds 0; it would hold 3" \
	"not beyond the quota"
is "$(shown trees@s)" "keys=3 quota-keys=none bytes=5 quota-bytes=none" \
	"a snapshot tells what it holds"
run weir kvs namespace set --quota-keys=1 trees@s
like "$STATUS $ERR" "1 *trees@s is a snapshot*" "and has no settings"

# ---- users ----

run weir kvs namespace quota --quota-keys=5 12345
ran 0 '' '' "a user's quota"
run weir kvs namespace create -o 12345 --quota-keys=none u1 u2
run weir kvs put -N u1 a=1 b=2 c=3
run weir kvs put -N u2 a=1 b=2 c=3
ran 1 '' 'weir-kvs: put: user 12345 has a quota of 5 keys and holds 3; it would hold 6' \
	"over the user's quota"
run weir kvs put -N u2 a=1 b=2
ran 0 '' '' "up to it"
run weir kvs namespace quota 12345
ran 0 'uid=12345
keys=5
quota-keys=5
bytes=10
quota-bytes=none
set=quota-keys' '' "shown"
run weir kvs snapshot -N u1
like "$STATUS $ERR" "1 *user 12345 has a quota of 5 keys and holds 5; it would hold 8" \
	"a user's snapshots count"
run weir kvs namespace remove u2
run weir kvs snapshot -N u1 -n s
like "$STATUS $ERR" "1 *holds 3; it would hold 6" "a namespace that is gone does not"
run weir kvs namespace quota --quota-keys=6 12345
run weir kvs snapshot -N u1 -n s
is "$STATUS" 0 "with a larger quota there is a snapshot"
weir kvs namespace quota -l >"$WORK/list"
matches "$(cat "$WORK/list")" '^ *12345 +6 +6 +12 +none$' "listed"

# ---- history ----

run weir kvs namespace create --history-versions=2 --history-time=2h short
run weir kvs namespace show short
matches "$OUT" '^history-versions=2$' "versions that are kept"
matches "$OUT" '^history-time=7200\.' "and how long"
matches "$OUT" '^set=history-versions,history-time$' "set for it alone"
for i in 1 2 3 4 5; do weir kvs put -N short k=$i; done
run weir kvs get -N short --at=2 k
ran 1 '' 'weir-kvs: k: history starts at 3' "older ones are dropped"
run weir kvs get -N short --at=3 k
ran 0 3 '' "newer ones are not"
run weir kvs watch -N short -c 1 -f 1 k
like "$STATUS $ERR" "1 *history starts at 3*" "a watch from before is told"

# ---- it lasts ----

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
start_kvsd --user-quota-keys=1 --namespace-quota-bytes=10 ||
	ok 1 "it starts again"
is "$(shown trees)" "keys=0 quota-keys=2 bytes=0 quota-bytes=none" \
	"a namespace's quota is there again"
run weir kvs namespace show short
matches "$OUT" '^history-versions=2$' "and its history's limits"
run weir kvs namespace quota 12345
like "$OUT" "uid=12345*keys=6*quota-keys=6*" "and a user's, and its count"
run weir kvs namespace quota 4711
like "$OUT" "uid=4711*keys=0*quota-keys=1*set=" "others have the instance's"
run weir kvs namespace quota "$me"
like "$OUT" "uid=$me*quota-keys=none*" "but not its owner"
run weir kvs namespace create -o 4711 theirs
is "$(shown theirs)" "keys=0 quota-keys=none bytes=0 quota-bytes=10" \
	"the instance's quota of namespaces"
run weir kvs namespace set --quota-bytes=none theirs
is "$(shown theirs)" "keys=0 quota-keys=none bytes=0 quota-bytes=none" \
	"which need not be"
run weir kvs put -N theirs a=1 b=2
like "$STATUS $ERR" "1 *user 4711 has a quota of 1 keys and holds 0*" \
	"the instance's quota of users"
run weir kvs namespace quota --quota-keys=default 12345
run weir kvs namespace quota 12345
like "$OUT" "*quota-keys=1*set=" "taken back"

# ---- what is wrong ----

run weir kvs namespace set --quota-bytes=1X small
like "$STATUS $ERR" "1 *--quota-bytes: '1X' is no number*" "no number"
run weir kvs namespace set --quota-keys=1K small
like "$STATUS $ERR" "1 *--quota-keys: '1K' is no number*" "keys have no units"
run weir kvs namespace set --history-time=soon small
like "$STATUS $ERR" "1 *--history-time: *" "no time"
run weir kvs namespace set small
like "$STATUS $ERR" "1 *needs a setting*" "nothing to set"
run weir kvs namespace set --quota-keys=1
like "$STATUS $ERR" "1 *needs a name*" "no namespace"
run weir kvs namespace set --quota-keys=1 none
like "$STATUS $ERR" "1 *namespace none does not exist*" "that does not exist"
run weir kvs namespace show none
like "$STATUS $ERR" "1 *namespace none does not exist*" "nor is shown"
run weir kvs namespace quota --quota-keys=1
like "$STATUS $ERR" "1 *needs a user*" "whose quota?"
run weir kvs namespace quota no-such-user
is "$STATUS $ERR" "1 weir-kvs: ERROR: unknown user no-such-user" "no such user"
run weir kvs namespace quota --quota-keys=1 all
like "$STATUS $ERR" "1 *one user, not for all*" "nor are all of them one"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
