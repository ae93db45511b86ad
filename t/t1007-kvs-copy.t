#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir kvs copy and move, and reading the past. weir-kvs(1).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }

# ---- copy ----

weir kvs put a.x=1 a.y.z=2 a.big="$(head -c 5000 /dev/zero | tr '\0' b)"
weir kvs link -T primary a.x a.l
hash=$(weir kvs getroot -b)
run weir kvs copy a b.c
ran 0 '' '' 'copy a directory'
is "$(weir kvs dir -R b.c)" "$(weir kvs dir -R a |
	sed 's/^a/b.c/')" 'all of it is there'
weir kvs unlink -R b
is "$(weir kvs getroot -b)" "$hash" 'without the copy, the hash is as before'
run weir kvs copy a.x v
is "$STATUS $(weir kvs get v)" '0 1' 'copy a value'
run weir kvs copy a.big big
is "$STATUS $(weir kvs get big | wc -c)" '0 5001' 'copy a large value'
run weir kvs copy a.l l
is "$STATUS $(weir kvs readlink l)" '0 primary::a.x' 'copy a link'
weir kvs copy a.x l
is "$(weir kvs get l)" 1 'a link in its place is replaced'
run weir kvs readlink l
is "$STATUS" 1 'and is none any more'
run weir kvs copy a a.y
is "$STATUS $(weir kvs get a.y.y.z)" '0 2' 'copy of a directory into itself'
run weir kvs copy a.y a
is "$STATUS $(weir kvs ls -1 a)" '0 big
l
x
y' 'and back out'
run weir kvs copy nosuch n
ran 1 '' 'weir-kvs: nosuch: No such file or directory' 'copy of nothing'
run weir kvs copy a..b n
ran 1 '' 'weir-kvs: *empty component*' 'copy of no key'
run weir kvs copy v .
ran 1 '' 'weir-kvs: *root is always a directory' 'a value is no root'
run weir kvs copy v
ran 1 '' 'Usage: weir kvs copy *' 'copy to where?'

# ---- move ----

weir kvs put m.a=1 m.b.a=2
run weir kvs move m.b m
is "$STATUS $(weir kvs dir -R m)" '0 m.a = 2' 'move to above itself'
run weir kvs move m m.n
is "$STATUS $(weir kvs dir -R m)" '0 m.n.a = 2' 'move to below itself'
version=$(weir kvs version)
run weir kvs move m.n.a m.a
is "$(weir kvs version)" $((version + 1)) 'a move is one transaction'
run weir kvs move m.q r
ran 1 '' 'weir-kvs: m.q: No such file or directory' 'move of nothing'
run weir kvs move m m
is "$STATUS $(weir kvs get m.a)" '0 2' 'move to itself'

# ---- between namespaces ----

weir kvs namespace create one two
weir kvs put -N one d.k=v
run weir kvs copy -S one -D two d e.f
is "$STATUS $(weir kvs get -N two e.f.k)" '0 v' 'copy to another namespace'
is "$(weir kvs version -N one)" 1 'which leaves the first alone'
run weir kvs move -S one d here
is "$STATUS $(weir kvs get here.k)" '0 v' 'move to the default one'
run weir kvs ls -N one
ran 0 '' '' 'from where it is gone'
is "$(weir kvs version -N one)" 2 'in one transaction of both'
run weir kvs copy -S nosuch a b
ran 1 '' 'weir-kvs: a: namespace nosuch does not exist' 'no such source'
run weir kvs move -D nosuch a b
ran 1 '' 'weir-kvs: b: namespace nosuch does not exist' 'no such destination'

# ---- at ----

weir kvs put -n past.k=old
at=$(weir kvs version)
hash=$(weir kvs getroot -b)
object=$(weir kvs getroot)
weir kvs put past.k=new past.j=1
is "$(weir kvs get -a "$at" past.k)" old 'get --at a version'
is "$(weir kvs get --at="$hash" past.k)" old 'get --at a hash'
is "$(weir kvs get --at="$object" past.k)" old 'get --at an object of getroot'
is "$(weir kvs ls -1 -a "$at" past)" k 'ls --at'
is "$(weir kvs dir -a "$at" past)" 'past.k = old' 'dir --at'
is "$(weir kvs getroot -b -a "$at")" "$hash" 'getroot --at'
run weir kvs copy -a "$at" past back
is "$STATUS $(weir kvs dir back)" '0 back.k = old' 'copy --at'
run weir kvs get -a 99999999 past.k
ran 1 '' 'weir-kvs: past.k: namespace primary is at version *' \
	'get --at the future'
run weir kvs copy -a nonsense past back
ran 1 '' 'weir-kvs: *neither a version nor a hash nor *' 'copy --at nonsense'

weir kvs eventlog append -t 1 log one
weir kvs eventlog append -t 2 log two '{"a":1}'
at=$(weir kvs version)
weir kvs eventlog append -t 3 log three
run weir kvs eventlog get -a "$at" log
ran 0 '1.000000 one
2.000000 two a=1' '' 'eventlog get --at'
run weir kvs eventlog get -u -c 1 -a "$at" log
ran 0 '{"timestamp":1.000000,"name":"one"}' '' 'with other options'
run weir kvs eventlog get -a "$at" -w log
ran 1 '' 'weir-kvs: --at: *' 'but not with --watch'

# ---- snapshots ----

weir kvs namespace create snap
weir kvs put -N snap a.b=1 c=2
hash=$(weir kvs getroot -N snap -b)
run weir kvs snapshot -N snap --name=first
ran 0 first '' 'a snapshot'
weir kvs put -N snap a.b=x a.d=y
weir kvs unlink -N snap c
run weir kvs snapshot -N snap
ran 0 3 '' 'one that is named after its version'
run weir kvs snapshot -N snap -n first
ran 1 '' 'weir-kvs: snapshot: snapshot snap@first exists' 'twice the same name'
is "$(weir kvs snapshot -N snap --list | awk '{ print $1, $2 }')" 'NAME VERSION
3 3
first 1' 'they are listed'
matches "$(weir kvs snapshot -N snap -l)" \
	"^first +1 [0-9-]{10}T[0-9:]{8} $(echo "$hash" | cut -c9-24)\$" \
	'with time and hash'
is "$(weir kvs get -N snap -a @first c)" 2 'and read'
is "$(weir kvs dir -N snap@first -R)" 'a.b = 1
c = 2' 'also as a namespace'
run weir kvs put -N snap@first c=3
ran 1 '' 'weir-kvs: put: snap@first is a snapshot*' 'that cannot be written'
weir kvs namespace list >"$WORK/namespaces"
! grep -q @ "$WORK/namespaces"
ok $? 'they are no namespaces of the list'
run weir kvs namespace create other@name
ran 1 '' 'weir-kvs: other@name: *' 'nor can be made as such'
run weir kvs restore -N snap first a
is "$STATUS $(weir kvs dir -N snap -R)" '0 a.b = 1' 'restore a directory'
run weir kvs restore -N snap first
is "$STATUS $(weir kvs getroot -N snap -b)" "0 $hash" 'restore it all'
is "$(weir kvs version -N snap)" 5 'in a transaction each'
run weir kvs restore -N snap nosuch
ran 1 '' 'weir-kvs: *snap@nosuch does not exist' 'restore of nothing'
run weir kvs restore -N snap first no.key
ran 1 '' 'weir-kvs: no.key: No such file or directory' 'restore of no key'
run weir kvs snapshot -N snap --remove first 3
ran 0 '' '' 'they are removed'
run weir kvs snapshot -N snap -R first
ran 1 '' 'weir-kvs: first: *no snapshot first' 'once'
run weir kvs get -N snap -a @first c
ran 1 '' 'weir-kvs: c: namespace snap has no snapshot first' 'and are gone'

# ---- diff ----

weir kvs namespace create x y
weir kvs put -N x a.b=1 a.c.d=2 e=3 g.h=9
weir kvs put -N x -n e=4 f.g=5 a.c.d=6
weir kvs unlink -N x -R g
run weir kvs diff -N x 1
ran 1 'changed a.
changed e
added   f.
removed g.' '' 'diff from a version to now'
run weir kvs diff -N x -r 1 -
ran 1 'changed a.c.d
changed e
added   f.
added   f.g
removed g.
removed g.h' '' 'diff --recursive'
run weir kvs diff -N x -r 3 1 a
ran 1 'changed a.c.d' '' 'diff of a directory'
run weir kvs diff -N x -r 3 3
ran 0 '' '' 'no difference'
run weir kvs diff -N x -r "$(weir kvs getroot -N x -b -a 1)" 1
ran 0 '' '' 'nor from its hash'
weir kvs snapshot -N x -n s >/dev/null
weir kvs put -N x e=5
run weir kvs diff -N x @s
ran 1 'changed e' '' 'diff from a snapshot'
weir kvs copy -S x -D y . .
run weir kvs diff -n x y
ran 0 '' '' 'diff --namespaces: none'
weir kvs put -N y a.b.c=1 z=1
run weir kvs diff -r -n x y
ran 1 'changed a.b. (value to dir)
added   a.b.c
added   z' '' 'diff --namespaces'
run weir kvs diff -n x@s y f
ran 0 '' '' 'of a directory, with a snapshot'
weir kvs put p.a=1 p.b=2 q.a=1 q.c=2
run weir kvs diff -k p q
ran 1 'removed b
added   c' '' 'diff --keys'
run weir kvs diff -k p.a q.c
ran 1 'changed .' '' 'of values'
run weir kvs diff -k p.a q.a
ran 0 '' '' 'that are the same'
run weir kvs diff -k p nosuch
ran 2 '' 'weir-kvs: diff: key nosuch does not exist *' 'diff with nothing'
run weir kvs diff
ran 2 '' 'weir-kvs: diff \[-N NS\]*' 'diff of what?'

# ---- a watch is told ----

mkfifo "$WORK/seen"
weir kvs watch -c 4 -f 0 w >"$WORK/seen" &
note_pid $!
exec 3<"$WORK/seen"
read -r line <&3
like "$line" '* synced' 'a watch begins'
weir kvs copy a.x w.v
weir kvs copy a w.d
weir kvs move w.d w.e
sed -E 's/^[0-9]+ //' <&3 >"$WORK/told"
exec 3<&-
is "$(cat "$WORK/told")" 'put w.v = 1
graft w.d
unlink w.d
graft w.e' 'it is told of copies and moves'

# ---- the cost ----

if command -v seq >/dev/null; then
	seq 20000 | sed 's/.*/many.k&=v&/' | xargs "$builddir/cmd/weir" kvs put
	start=$(weir kvs stats --json | tr ',{' '\n\n' |
		sed -n 's/.*"blobs-written": *//p')
	weir kvs copy many more
	end=$(weir kvs stats --json | tr ',{' '\n\n' |
		sed -n 's/.*"blobs-written": *//p')
	diag "blobs written: from $start to $end"
	[ -n "$start" ] && [ $((end - start)) -lt 10 ]
	ok $? 'a copy of 20,000 keys writes the nodes on the way alone'
	is "$(weir kvs get more.k777)" v777 'and they are there'
fi
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
done_testing
