#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a stranger sends gets a reply or a disconnect, and hurts nobody else.
# weir-protocol(7), FRAMES and Limits.
. "${srcdir:-.}/t/tap.sh"

start_kvsd || { ok 1 "kvsd starts"; done_testing; }
ok 0 "kvsd starts"

got=$(talk <<'END'
a open
a send 1 ping
a read 1
a send 2 nonsense {3}\nabc
a read 1
a send 3 hello 1
a drain 3
END
)
like "$got" "1 err EPROTO the first request must be hello
2 err ENOSYS there is no command 'nonsense': help lists them
3 ok *" "before hello"

got=$(talk <<'END'
a hello
a send 1 nonsense {5}\n1 pi\n
a read 1
a send 2 get -
a read 1
a send 3 get - a b
a read 1
a send 4 get - a at=1 at=2
a read 1
a send 5 put - a
a read 1
a send 6 get - a {1}\nx
a read 1
a send
a read 1
a send  7 ping
a read 1
a send 8  ping
a read 1
a send 9
a read 1
a send 10 get - %0
a read 1
a send 11 get - a%0Ab
a read 1
a send 12 get - a\x01b
a read 1
a send waytoolongforatag ping
a read 1
a send wr!ng ping
a read 1
a send 13 get - a..b
a read 1
a send 14 get - a.
a read 1
a send 15 put - . {1}\nx
a read 1
a send 16 get - %7B5}
a read 1
a send 17 sync - many
a read 1
a send 18 watch - a mode=odd
a read 1
a send 19 call noservice
a read 1
a send 20 lease 86401
a read 1
a send 21 reply x
a read 1
a send 22 get none a
a read 1
a send 23 get - a at=999999
a read 1
a send 24 get - a at=zz
a read 1
a send 25 put - a lease=77 {1}\nx
a read 1
a send 26 ping\r
a read 1
END
)
is "$got" "1 err ENOSYS there is no command 'nonsense': help lists them
2 err EINVAL get takes 2 arguments, got 1: get NS KEY [at=VERSION|HASH] [offset=N] [length=N]
3 err EINVAL get has no argument 'b': get NS KEY [at=VERSION|HASH] [offset=N] [length=N]
4 err EINVAL get: 'at' stands twice
5 err EINVAL put needs a payload, its length last on the line as {N}
6 err EINVAL get takes no payload
- err EPROTO malformed line: it is empty
- err EPROTO malformed line: it begins with no tag
8 err EPROTO malformed line: two spaces, or one at an end
9 err EPROTO malformed line: no command follows the tag
10 err EPROTO malformed line: a % is not followed by two hexadecimal digits of an allowed byte
11 err EPROTO malformed line: a % is not followed by two hexadecimal digits of an allowed byte
12 err EPROTO malformed line: a control character stands in it
- err EPROTO malformed line: it begins with no tag
- err EPROTO malformed line: it begins with no tag
13 err EINVAL the key 'a..b' has an empty component
14 err EINVAL the key 'a.' has an empty component
15 err EINVAL operation 1: put .: the root is always a directory
16 err ENOENT key {5} does not exist in namespace primary
17 err EINVAL sync takes a namespace and a version
18 err EINVAL mode=odd is none of latest, append and prefix
19 err EINVAL 'noservice' is not of the form SERVICE.METHOD
20 err EINVAL '86401' is no number of seconds from 0 to 86400
21 err EINVAL 'x' is no call's number
22 err ENOENT namespace none does not exist
23 err EINVAL namespace primary is at version 0, not yet at 999999
24 err EINVAL 'zz' is neither a version nor a hash nor @ and a snapshot's name
25 err ENOENT lease 77 has ended
26 ok time=TIME" "malformed lines and arguments"

# ---- over the limits: swallowed by count, and the stream stays in step ----

got=$(talk <<'END'
a hello
a raw 1 get - 
a fill 20000
a send
a read 1
a raw 2 put - 
a fill 20000
a send  {4}\n1 2\n
a read 1
a send 3 put - a {134217729}
a read 1
a fill 134217729
a send
a send 4 ping
a read 1
END
)
is "$got" "1 err E2BIG the line is over the limit of 16384 bytes
2 err E2BIG the line is over the limit of 16384 bytes
3 err E2BIG the payload of 134217729 bytes is over the limit of 134217728
4 ok time=TIME" "too long a line, too large a payload"

# ---- out of step: told, and closed ----

got=$(talk <<'END'
a hello
a send 1 put - a {3}\nabcdef
a eof
b hello
b send 1 put - a {x}
b eof
c hello
c send 1 put - a {1099511627777}
c eof
END
)
is "$got" "- err EPROTO no line feed follows the payload
eof
- err EPROTO the count of its payload is no number up to 2^40
eof
- err EPROTO the count of its payload is no number up to 2^40
eof" "a stream that is out of step is closed"

# ---- half a request ----

got=$(talk <<'END'
a hello
a raw 1 put - half {1000}\nonly this
b hello
b send 1 put - whole {1}\nx
b read 1
a shut
a eof
c hello
c raw 1 pi
c shut
c eof
d hello
d raw 1 put - half {1000000}\n
d fill 400000
d close
b send 2 get - half
b read 1
END
)
is "$got" "1 ok version=1
eof
eof
2 err ENOENT key half does not exist in namespace primary" \
	"half a request does nothing"

# A client that says everything and closes its side is answered.
got=$(printf '1 hello 1\n2 put - last {1}\nx\n3 get - last\n' >"$WORK/in"
talk <<END | tail -n +2
a open
a file $WORK/in
a shut
a eof
END
)
is "$got" "2 ok version=2
3 ok version=2 type=value size=1 {1}
x
eof" "what came before the end of input is answered"

# ---- clients that never read ----

# 1. Replies: no more requests are read. 2. Events: dropped and told.
# 3. A prefix watch: told that it lags, then what differs.
head -c 65536 /dev/zero | tr '\0' y >"$WORK/value"
{
	echo "a hello"
	printf '%s\n' "a raw p put - big {65536}\\n"
	echo "a file $WORK/value"
	echo "a send"
	echo "a until p"
	i=0
	: >"$WORK/gets"
	while [ $i -lt 1000 ]; do
		echo "g$i get - big"
		i=$((i + 1))
	done >"$WORK/gets"
	echo "mute hello"
	echo "mute file $WORK/gets"
	echo "deaf hello"
	echo "deaf send s subscribe %-"
	echo "deaf until s"
	echo "deaf send w watch - under mode=prefix"
	echo "deaf push w synced"
	i=0
	while [ $i -lt 200 ]; do
		printf '%s\n' "a raw - publish noise {65536}\\n"
		echo "a file $WORK/value"
		echo "a send"
		printf '%s\n' "a raw - put - under.k$i {65536}\\n"
		echo "a file $WORK/value"
		echo "a send"
		i=$((i + 1))
	done
	echo "a send q ping"
	echo "a drain q"
	echo "a send t stat - under"
	echo "a until t"
	echo "b hello"
	echo "b send 1 publish hello"
	echo "b drain 1"
	echo "say others are served"
	echo "deaf push s lost"
	echo "deaf send e cancel s"
	echo "deaf until e"
	echo "mute drain g999"
} >"$WORK/script"
talk <"$WORK/script" >"$WORK/out"
matches "$(cat "$WORK/out")" '^others are served$' \
	"those who read are served while others don't"
matches "$(cat "$WORK/out")" '^\* s lost count=[0-9]+ first=[0-9]+ last=[0-9]+$' \
	"a reader that misses events is told how many"
matches "$(cat "$WORK/out")" '^g999 ok version=[0-9]+ type=value' \
	"the one that paused gets all its replies"
events=$(grep -c '^\* s event ' "$WORK/out")
lost=$(sed -n 's/^\* s lost count=\([0-9]*\).*/\1/p' "$WORK/out" | awk '{ n += $1 } END { print n }')
diag "$events events came, $lost were lost"
ok $([ "$events" -gt 0 ] && [ "$lost" -gt 0 ] &&
	[ $((events + lost)) -eq 201 ]; echo $?) "each event came or was counted"
# Every number, in order: told, or in a gap that is told.
sed -n -e 's/^\* s event .*sequence=\([0-9]*\) .*/\1 \1 1/p' \
	-e 's/^\* s lost count=\([0-9]*\) first=\([0-9]*\) last=\([0-9]*\)$/\2 \3 \1/p' \
	"$WORK/out" | awk '
	NR > 1 && $1 != next_ { print "after", next_ - 1, "comes", $1 }
	$2 - $1 + 1 != $3 { print $0, "does not fit" }
	{ next_ = $2 + 1 }' >"$WORK/gaps"
is "$(cat "$WORK/gaps")" '' "gaps say which numbers were dropped"

memory=$(awk '/VmHWM/ { print $2 }' "/proc/$KVSD_PID/status")
diag "the server's memory: at most $memory KiB"

{
	echo "a hello"
	echo "a send w watch - many mode=prefix"
	echo "a push w synced"
	echo "b hello"
	i=0
	while [ $i -lt 200 ]; do
		printf '%s\n' "b raw - put - many.k$i {65536}\\n"
		echo "b file $WORK/value"
		echo "b send"
		i=$((i + 1))
	done
	echo "b send - unlink - many.k7"
	# the last of all, live or as a difference
	echo "b send - link - many.zz end"
	echo "b send q ping"
	echo "b drain q"
	echo "b send r root -"
	echo "b until r"
	echo "a push w lagged"
	echo "a push w link"
} >"$WORK/script"
talk <"$WORK/script" >"$WORK/out"
matches "$(cat "$WORK/out")" '^\* w lagged version=[0-9]+$' \
	"a slow reader of a prefix is told that it lags"
keys=$(sed -n 's/^\* w put many\.k\([0-9]*\) .*/\1/p' "$WORK/out" | sort -un | wc -l)
ok $([ "$keys" -ge 199 ]; echo $?) "and later what differs ($keys keys)"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
