#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A load that is killed in the middle leaves nothing. weir-kvs(1).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }
namespaces=$(weir kvs namespace list)
weir kvs namespace create from to
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	head -c 1200000 /dev/urandom | weir kvs put -N from --raw "d.$i=-"
done
weir kvs dump -N from -o "$WORK/dump"
size=$(wc -c <"$WORK/dump")

scratch()
{
	weir kvs namespace list | sed -n 's/^\(weir-load-[^ ]*\).*/\1/p'
}

# A load that has a part of the dump, some of it committed.
begin()
{
	mkfifo "$WORK/pipe"
	"$builddir/cmd/weir" kvs load -N to "$WORK/pipe" 2>"$WORK/load.err" &
	load=$!
	note_pid $load
	exec 4>"$WORK/pipe"
	rm "$WORK/pipe"
	head -c "$((size * 3 / 4))" "$WORK/dump" >&4
	waiting 'the first transaction of a load'
	ns=$(scratch)
	while [ -z "$ns" ] || [ "$(weir kvs version -N "$ns")" -lt 1 ]; do
		kill -0 $load || break
		ns=$(scratch)
	done
	waited
}

begin
[ "$ns" ]
ok $? "a load has a namespace of its own ($ns)"
kill -KILL $load
await load $load
forget_pid $load
exec 4>&-
waiting "the end of $ns"
while [ "$(scratch)" ]; do :; done
waited
ok 0 'and when it is killed the namespace goes'
run weir kvs get -N "$ns" d.1
ran 1 '' "weir-kvs: d.1: namespace $ns does not exist" 'with what was in it'
run weir kvs dir -N to
ran 0 '' '' 'nothing was loaded'

# kvsd goes with it.
begin
kill -KILL $load "$(daemon_pid kvsd)"
await load $load
forget_pid $load
exec 4>&-
waiting "the end of $ns"
while list=$(weir kvs namespace list 2>/dev/null); [ -z "$list" ] ||
	[ "$(scratch)" ]; do :; done
waited
ok 0 'also when kvsd is killed with it'

# One that is told to stop tidies up, and one that is left alone is whole.
begin
kill -TERM $load
await load $load
ok $(($? == 0)) 'a load is stopped'
forget_pid $load
exec 4>&-
is "$(scratch)" '' 'and leaves nothing'
run weir kvs load -N to "$WORK/dump"
ran 0 '' '' 'a load ends'
is "$(weir kvs getroot -N to -b)" "$(weir kvs getroot -N from -b)" \
	'all is there'
is "$(scratch)" '' 'and nothing else'
weir kvs namespace remove from to
is "$(weir kvs namespace list | sed 's/ *[0-9]*$//')" \
	"$(echo "$namespaces" | sed 's/ *[0-9]*$//')" 'as before'
stop_instance
done_testing
