#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir kvs, each subcommand and option. weir-kvs(1).
. "${srcdir:-.}/t/tap.sh"

start_instance || { ok 1 'an instance starts'; done_testing; }

# ---- put, get ----

run weir kvs put a.b=1 'a.c=two words' a.e= a.f=x=y
ran 0 '' '' 'put'
run weir kvs get a.b a.c a.e a.f
ran 0 '1
two words
x=y' '' 'get'
run weir kvs get -l a.b a.f
ran 0 'a.b=1
a.f=x=y' '' 'get --label'
weir kvs get --raw a.b a.b >"$WORK/raw"
is "$(od -An -c "$WORK/raw" | tr -d ' ')" 11 'get --raw'
run weir kvs put --append a.b=2
ran 0 '' '' 'put --append'
run weir kvs get a.b
ran 0 12 '' 'it was appended'
head -c 300000 /dev/urandom >"$WORK/blob"
weir kvs put --raw big=- <"$WORK/blob"
ok $? 'put --raw from standard input'
weir kvs get --raw big | cmp - "$WORK/blob"
ok $? 'a large value comes back byte for byte'
run weir kvs get a.zz
ran 1 '' 'weir-kvs: a.zz: No such file or directory' 'a missing key'
run weir kvs get a
ran 1 '' 'weir-kvs: a: Is a directory' 'a directory'
run weir kvs get a.b a.zz a.c
ran 1 12 'weir-kvs: a.zz: No such file or directory' 'the second is missing'
run weir kvs get a..b
ran 1 '' 'weir-kvs: a..b: *empty component*' 'a malformed key'
run weir kvs get
ran 1 '' 'Usage: weir kvs get *' 'no key'
run weir kvs put novalue
ran 1 '' 'weir-kvs: put: you must specify a value as key=value' 'no value'
run weir kvs put good=1 bad..key=2
is "$STATUS" 1 'put is all or nothing: refused'
run weir kvs get good
ran 1 '' 'weir-kvs: good: *' 'and nothing was put'

# ---- what commits print ----

version=$(weir kvs version)
run weir kvs put -s v=1
ran 0 $((version + 1)) '' 'put --sequence'
run weir kvs put -b v=2
hash=$(weir kvs getroot -b)
ran 0 "$hash" '' 'put --blobref'
run weir kvs put -O v=2
ran 0 "{\"data\":[\"$hash\"],\"type\":\"dirref\",\"ver\":1}" '' \
	'put --treeobj-root: equal content, equal hash'
run weir kvs getroot
ran 0 "{\"data\":[\"$hash\"],\"type\":\"dirref\",\"ver\":1}" '' 'getroot'
run weir kvs getroot -o
ran 0 "$(id -u)" '' 'getroot --owner'
run weir kvs getroot -s
ran 0 "$(weir kvs version)" '' 'getroot --sequence, version'
run weir kvs get --at="$version" v
ran 1 '' 'weir-kvs: v: No such file or directory' 'get --at a version'
run weir kvs get --at="${hash#blake2b-}" v
ran 0 2 '' 'get --at a hash'
run weir kvs wait "$version"
ran 0 '' '' 'wait for a past version'
run weir kvs sync
ran 0 '' '' 'sync'
run weir kvs wait x
is "$STATUS" 1 'wait for no number'

# ---- directories ----

run weir kvs mkdir d d.e
ran 0 '' '' 'mkdir'
run weir kvs dir d
ran 0 'd.e.' '' 'dir of it'
run weir kvs dir a
ran 0 'a.b = 12
a.c = two words
a.e = 
a.f = x=y' '' 'dir'
run weir kvs dir -d a
ran 0 'a.b
a.c
a.e
a.f' '' 'dir --directory'
run weir kvs put a.g.h=deep
run weir kvs dir -R a
matches "$OUT" '^a\.g\.h = deep$' 'dir --recursive'
run weir kvs put 'a.long=0123456789012345678901234567890123456789'
run weir kvs dir -w 30 a
matches "$OUT" '^a\.long = 012345678901234567\.\.\.$' 'dir --width'
run weir kvs dir a.b
ran 1 '' 'weir-kvs: a.b: Not a directory' 'dir of a value'
run weir kvs dir nosuch
ran 1 '' 'weir-kvs: nosuch: No such file or directory' 'dir of nothing'
run weir kvs ls -1 a
ran 0 'b
c
e
f
g
long' '' 'ls'
run weir kvs ls -1F a
matches "$OUT" '^g\.$' 'ls --classify'
run weir kvs ls -w 80 a
ran 0 'b       c       e       f       g       long' '' 'ls in columns'
run weir kvs ls -d a
ran 0 a '' 'ls --directory'
run weir kvs ls -R1 a
matches "$OUT" '^a\.g:$' 'ls --recursive has headings'
run weir kvs ls nokey
ran 1 '' 'nokey: No such file or directory' 'ls of nothing'

# ---- links ----

run weir kvs link a.b to-b
ran 0 '' '' 'link'
run weir kvs readlink to-b
ran 0 a.b '' 'readlink'
run weir kvs get to-b
ran 0 12 '' 'a link is followed'
run weir kvs link nosuch.key dangling
ran 0 '' '' 'a dangling link'
run weir kvs get dangling
ran 1 '' 'weir-kvs: dangling: No such file or directory' 'leads nowhere'
run weir kvs readlink a.b
ran 1 '' 'weir-kvs: a.b: Invalid argument' 'readlink of a value'
run weir kvs ls -1F
matches "$OUT" '^to-b@$' 'ls --classify marks links'

# ---- unlink ----

run weir kvs unlink a
ran 1 '' "weir-kvs: cannot unlink 'a': Directory not empty" \
	'unlink of a full directory'
run weir kvs unlink nokey
ran 1 '' "weir-kvs: cannot unlink 'nokey': No such file or directory" \
	'unlink of nothing'
run weir kvs unlink -f nokey
ran 0 '' '' 'unlink --force'
run weir kvs unlink to-b dangling
ran 0 '' '' 'unlink of links'
run weir kvs get a.b
ran 0 12 '' 'leaves what they lead to'
run weir kvs unlink -R d
ran 0 '' '' 'unlink --recursive'
run weir kvs ls d
is "$STATUS" 1 'it is gone'

# ---- copy, move ----

run weir kvs copy a.g c1
ran 0 '' '' 'copy a directory'
run weir kvs get c1.h a.g.h
ran 0 'deep
deep' '' 'both are there'
run weir kvs move c1.h c2
run weir kvs get c2
ran 0 deep '' 'move'
run weir kvs get c1.h
is "$STATUS" 1 'the source is gone'
run weir kvs copy nosuch c3
ran 1 '' 'weir-kvs: *nosuch*No such file or directory' 'copy of nothing'

# ---- namespaces ----

run weir kvs namespace create ns1 ns2
ran 0 '' '' 'namespace create'
run weir kvs namespace create ns1
ran 1 '' 'weir-kvs: ns1: File exists' 'twice'
run weir kvs put -N ns1 q=1
run weir kvs get q
is "$STATUS" 1 'not in the primary one'
run weir kvs get --namespace=ns1 q
ran 0 1 '' 'but in its own'
WEIR_KVS_NAMESPACE=ns1 run weir kvs get q
ran 0 1 '' 'WEIR_KVS_NAMESPACE'
run weir kvs link -T ns1 q to-q
run weir kvs get to-q
ran 0 1 '' 'a link into a namespace'
run weir kvs readlink to-q
ran 0 ns1::q '' 'readlink shows both'
run weir kvs readlink -o to-q
ran 0 ns1 '' 'readlink --namespace-only'
run weir kvs readlink -k to-q
ran 0 q '' 'readlink --key-only'
run weir kvs copy -S ns1 -D ns2 q z.q
run weir kvs get -N ns2 z.q
ran 0 1 '' 'copy from one to another'
run weir kvs namespace list
matches "$OUT" "^NAMESPACE +OWNER +FLAGS$" 'namespace list'
matches "$OUT" "^ns1 +$(id -u) 0x00000000$" 'has it'
run weir kvs namespace remove ns1
ran 0 '' '' 'namespace remove'
run weir kvs get -N ns1 q
ran 1 '' 'weir-kvs: q: namespace ns1 does not exist' 'it is gone'

# ---- watches: each ends by its count ----

weir kvs put w.a=0
mkfifo "$WORK/w"
weir kvs get -w -c 3 w.a >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
IFS= read -r line <&5
is "$line" 0 'get --watch: the value that is there'
weir kvs put w.a=1
IFS= read -r line <&5
is "$line" 1 'a change'
weir kvs put w.b=1 w.a=2
IFS= read -r line <&5
is "$line" 2 'another, of several keys'
wait $!
is $? 0 '--count ends it'
exec 5<&-

weir kvs get -W w.new >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
weir kvs put w.new=here
IFS= read -r line <&5
is "$line" here 'get --waitcreate'
wait $!
is $? 0 'ends'
exec 5<&-
run weir kvs get -w -c 1 w.nosuch
ran 1 '' 'weir-kvs: w.nosuch: No such file or directory' 'watch of nothing'

weir kvs get -w -u -c 2 w.a >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
IFS= read -r line <&5
weir kvs put w.a=2
weir kvs put w.a=3
IFS= read -r line <&5
is "$line" 3 'get --uniq leaves out what is the same'
wait $!
exec 5<&-

weir kvs get -w -A -r -c 3 w.a >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
IFS= read -r line <<END
$(dd bs=1 count=1 <&5 2>/dev/null)
END
weir kvs put -A w.a=45
weir kvs put -A w.a='6
'
IFS= read -r rest <&5
is "$line$rest" 3456 'get --append: every byte once'
wait $!
exec 5<&-

version=$(weir kvs version)
weir kvs watch -f "$version" -c 4 w >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
IFS= read -r line <&5
matches "$line" 'synced' 'watch: synced with now'
weir kvs put w.x=1 w.y=2
weir kvs link a w.l
weir kvs unlink w.x
is "$(sed 's/^[0-9]* //' <&5)" 'put w.x = 1
put w.y = 2
link w.l -> a
unlink w.x' 'watch: every operation below a key'
wait $!
is $? 0 '--count ends it'
exec 5<&-

# ---- event logs ----

run weir kvs eventlog append -t 12.5 el one
ran 0 '' '' 'eventlog append'
weir kvs eventlog append -t 13.75 el two '{"a":1,"b":"x y"}'
run weir kvs eventlog get el
ran 0 '12.500000 one
13.750000 two a=1 b="x y"' '' 'eventlog get'
run weir kvs eventlog get -u el
ran 0 '{"timestamp":12.500000,"name":"one"}
{"timestamp":13.750000,"name":"two","context":{"a":1,"b":"x y"}}' '' \
	'eventlog get --unformatted'
run weir kvs eventlog wait-event el two
ran 0 '13.750000 two a=1 b="x y"' '' 'eventlog wait-event'
run weir kvs eventlog wait-event -v el two
matches "$OUT" '^12\.500000 one$' 'wait-event --verbose'
run weir kvs eventlog wait-event -q el two
ran 0 '' '' 'wait-event --quiet'
run weir kvs eventlog wait-event -t 0.01 el three
ran 1 '' "weir-kvs: wait-event timeout on event 'three'" \
	'wait-event --timeout'
run weir kvs eventlog wait-event -m a=1 -m 'b=x y' -L el two
ran 0 '13.750000 two a=1 b="x y"' '' 'wait-event --match-context'
run weir kvs eventlog wait-event -v -t 0.01 -m a=2 el two
is "$STATUS" 1 'a context that is another' &&
like "$ERR" "*wait-event timeout on event 'two'" 'so it waits'
run weir kvs eventlog wait-event -m bad el two
ran 1 '' "weir-kvs: --match-context: 'bad' is no KEY=VALUE*" 'no match'
run weir kvs eventlog get -W -S --color=never el
is "$(echo "$OUT" | grep -c .)" 2 'eventlog get --waitcreate --stream'
run weir kvs eventlog get -c x el
ran 1 '' "weir-kvs: --count: 'x' is no number*" 'no count'
run weir kvs eventlog get nolog
ran 1 '' 'weir-kvs: nolog: No such file or directory' 'a missing log'
run weir kvs eventlog append el bad '[1]'
ran 1 '' 'weir-kvs: the context is not a JSON object: *' 'a wrong context'
weir kvs eventlog get -w -c 3 el >"$WORK/w" &
note_pid $!
exec 5<"$WORK/w"
IFS= read -r line <&5
IFS= read -r line <&5
weir kvs eventlog append -t 14 el three
IFS= read -r line <&5
is "$line" '14.000000 three' 'eventlog get --watch'
wait $!
exec 5<&-
weir kvs put notalog=hello
run weir kvs eventlog get notalog
[ "$STATUS" -eq 1 ] || [ -z "$OUT" ]
ok $? 'a value that is no event log'

# ---- usage ----

run weir kvs
is "$STATUS" 1 'no subcommand'
matches "$ERR" '^   get ' 'lists them'
run weir kvs nosuch
ran 1 '' "weir-kvs: unknown subcommand 'nosuch'*" 'an unknown subcommand'
run weir kvs get --nosuch a
ran 1 '' "weir-kvs: unrecognized option '--nosuch'*" 'an unknown option'
run weir kvs get -z a
ran 1 '' "weir-kvs: unrecognized option '-z'*" 'an unknown short one'
run weir kvs get --nam=x a
ran 1 '' "weir-kvs: unrecognized option '--nam'*" 'no abbreviations'

stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
WEIR_URI=local://$WORK/none run weir kvs get a
ran 1 '' "weir-kvs: unable to connect to the instance: *$WORK/none*" \
	'no instance: says where'
run env -u WEIR_URI "$builddir/cmd/weir" kvs get a
ran 1 '' 'weir-kvs: unable to connect to the instance: *WEIR_URI*' \
	'WEIR_URI is not set'
done_testing
