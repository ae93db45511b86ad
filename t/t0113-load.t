#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Watches, events and services under load: many of them, readers that fall
# behind or leave, and what each must still be told. weir-protocol(7).
. "${srcdir:-.}/t/tap.sh"

start_kvsd
ok $? 'kvsd starts'
export WEIR_URI="local://$SOCKET"

figure()
{
	weir kvs stats | awk -v name="$1" '$1 == name { print $2 }'
}

# fold: the pushes of a watch of mode prefix as they were shown, on standard
# input; the state that who believes them has: "KEY TYPE", sorted. Told in
# $WORK/wrong: operations that cannot follow on what came before.
fold()
{
	awk -v wrong="$WORK/wrong" '
	BEGIN { printf "" >wrong }
	function drop(key,  k) {
		for (k in type)
			if (k == key || index(k, key ".") == 1)
				delete type[k]
	}
	function above(key,  at) {
		for (at = length(key); at > 1; at--)
			if (substr(key, at, 1) == ".") {
				key = substr(key, 1, at - 1)
				if (type[key] == "value" || type[key] == "link")
					drop(key)
				type[key] = "dir"
			}
	}
	$1 != "*" { next }
	$3 == "put" { drop($4); above($4); type[$4] = "value" }
	$3 == "append" { if (type[$4] != "value") print "append", $0 >wrong }
	$3 == "link" { drop($4); above($4); type[$4] = "link" }
	$3 == "mkdir" { drop($4); above($4); type[$4] = "dir" }
	$3 == "unlink" { drop($4) }
	END { for (k in type) if (k != "p") print k, type[k] }' | sort
}

# state: the same of what is there below p.
state()
{
	weir kvs ls -R1F p | awk '
	/:$/ { dir = substr($0, 1, length($0) - 1) "."; next }
	/\.$/ { print dir substr($0, 1, length($0) - 1), "dir"; next }
	/@$/ { print dir substr($0, 1, length($0) - 1), "link"; next }
	/./ { print dir $0, "value" }' | sort
}

# ---- what differs, in many pieces ----

head -c 49152 /dev/zero | tr '\0' v >"$WORK/value"
{
	echo 'a hello'
	for dir in 1 2 3 4 5 6 7 8 9; do
		for key in a b.c b.d b.e.f g h.i.j k l m.n o q r s t u v; do
			printf '%s\n' "a raw x put - p.d$dir.$key {49152}\\n" \
				"a file $WORK/value" 'a send'
		done
	done
	printf '%s\n' 'a send y mkdir - p.empty' 'a drain y' \
		'a send w watch - p mode=prefix from=0' 'a push w synced' \
		'a send z put - p.last {1}\nx' 'a push w put'
} | talk >"$WORK/out"
fold <"$WORK/out" >"$WORK/believed"
state >"$WORK/there"
is "$(cat "$WORK/wrong")" '' 'seven megabytes come in order'
is "$(diff "$WORK/there" "$WORK/believed")" '' 'all keys of them'
is "$(awk '$3 == "put" || $3 == "mkdir" { print $4 }' "$WORK/out" | sort |
	uniq -d)" '' 'none of them twice'

# ---- taken up again and again ----

# Random operations by another, while the watch comes and goes; those that fail
# (a name that is not there, for instance) are part of it.
operations()
{
	awk -v seed="$1" 'BEGIN {
	srand(seed)
	for (i = 0; i < 40; i++) {
		key = "p"
		for (depth = 1 + int(rand() * 3); depth; depth--)
			key = key "." substr("abcde", 1 + int(rand() * 5), 1)
		what = int(rand() * 10)
		if (what < 5) print "b send o put - " key " {1}\\nx"
		else if (what < 6) print "b send o append - " key " {1}\\ny"
		else if (what < 7) print "b send o mkdir - " key
		else if (what < 8) print "b send o link - " key " nowhere"
		else print "b send o unlink - " key " recursive=1"
	} }'
}
weir kvs unlink -R p
weir kvs mkdir p
version=0
: >"$WORK/told"
round=0
while [ $round -lt 25 ]; do
	{
		echo 'a hello'
		echo 'b hello'
		operations $round
		echo "a send w watch - p mode=prefix from=$version"
		echo 'a push w synced'
		operations $((round + 1000))
		echo 'b send q ping'
		echo 'b drain q'
		# half the time, what is live is lost with the connection
		if [ $((round % 2)) -eq 0 ]; then
			printf '%s\n' 'b send m put - p.mark {1}\nx'
			echo 'b drain m'
			# all up to the mark: what else p.mark is told for is old
			echo 'a send n ping'
			echo 'a until n'
		fi
	} | talk >"$WORK/out"
	sed -n '/^\* w/p' "$WORK/out" >>"$WORK/told"
	# the last version that was whole: what came live is told once more
	version=$(sed -n 's/^\* w synced version=//p' "$WORK/out" | tail -1)
	round=$((round + 1))
done
talk >>"$WORK/told" <<END
a hello
a send w watch - p mode=prefix from=$version
a push w synced
END
fold <"$WORK/told" >"$WORK/believed"
state >"$WORK/there"
is "$(diff "$WORK/there" "$WORK/believed")" '' \
	'who comes and goes knows in the end what there is'
[ "$(wc -l <"$WORK/there")" -gt 5 ]
ok $? 'which is something'
is "$(awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^version=/) {
	v = substr($i, 9) + 0
	if ($3 == "synced") { if (v < last) print "falls:", $0; last = v } } }' \
	"$WORK/told")" '' 'versions only grow'

# ---- many watchers ----

{
	echo 'a hello'
	echo 'b hello'
	i=0
	while [ $i -lt 2000 ]; do
		echo "a send w$i watch - one wait=1"
		echo "a send n$i watch - many.k$i wait=1"
		i=$((i + 1))
	done
	echo 'a send p ping'
	echo 'a drain p'
	printf '%s\n' 'b send 1 put - one {1}\nx'
	echo 'b until 1'
	printf 'b load 2 commit - | '
	i=0
	while [ $i -lt 2000 ]; do
		printf '%s' "put many.k$i {1}\\ny\\n"
		i=$((i + 1))
	done
	echo
	echo 'b until 2'
	echo 'a read 4000'
	i=0
	while [ $i -lt 2000 ]; do
		echo "a send - cancel w$i"
		i=$((i + 1))
	done
	echo 'a send q ping'
	echo 'a until q'
	printf '%s\n' 'b send 3 put - one {1}\nz'
	echo 'b until 3'
	echo 'a send r ping'
	echo 'a until r'
} | talk >"$WORK/out"
is "$(grep -c '^\* w[0-9]* value' "$WORK/out")" 2000 \
	'watchers of one key are each told once'
is "$(grep -c '^\* n[0-9]* value' "$WORK/out")" 2000 \
	'so are those who waited for keys that did not exist'
is "$(sed -n 's/^\* \([wn][0-9]*\) value.*/\1/p' "$WORK/out" | sort | uniq -d)" \
	'' 'none of them twice'
is "$(grep -c '^\* w[0-9]* end ECANCELED' "$WORK/out")" 2000 \
	'the canceled ones end, and hear no more'
is "$(figure watches.now) $(figure watches.spots)" '0 0' \
	'nothing is left of them'

# ---- events: one order ----

{
	for s in a b c; do
		echo "$s hello"
		echo "$s send s subscribe x"
		echo "$s until s"
	done
	echo 'd hello'
	i=0
	while [ $i -lt 300 ]; do
		for s in a b d; do
			printf '%s\n' "$s send - publish x.$s$i {1}\\n$s"
		done
		echo 'd send - publish other'
		i=$((i + 1))
	done
	# each sends its own last, so that all of its own have been published
	for s in a b d; do
		echo "$s send f ping"
		echo "$s until f"
	done
	echo 'd send g publish x.end'
	echo 'd until g'
	for s in a b c; do
		echo "say $s"
		echo "$s send s2 subscribe %-"
		echo "$s until s2"
	done
	echo 'c send g publish x.really'
	echo 'c until g'
	echo 'c push s event'
} | talk >"$WORK/out"
# "TOPIC NUMBER" a line, for each that somebody was told
sed -n 's/^\* s event \([^ ]*\) sequence=\([0-9]*\).*/\1 \2/p' "$WORK/out" \
	>"$WORK/seen"
sort -n -u -k2 "$WORK/seen" >"$WORK/order"
is "$(awk '{ n[$2]++; if (n[$2] > 1) print }' "$WORK/order")" '' \
	'a number is that of one event'
is "$(wc -l <"$WORK/order")" 902 'each event has one'
is "$(sort "$WORK/seen" | uniq -c | awk '$1 != 3 && $2 != "x.really"')" '' \
	'each subscriber is told of each, with the same number'
for s in a b d; do
	awk -v s="x.$s" '$1 ~ "^" s "[0-9]" { print substr($1, length(s) + 1) }' \
		"$WORK/order" >"$WORK/numbers"
	is "$(sort -n "$WORK/numbers" | cmp - "$WORK/numbers" 2>&1)" '' \
		"those of publisher $s are in its order"
done

# A gap is told though nothing follows it.
head -c 65536 /dev/urandom >"$WORK/value"
{
	echo 'a hello'
	echo 'deaf hello'
	echo 'deaf send s subscribe x'
	echo 'deaf until s'
	i=0
	while [ $i -lt 120 ]; do
		printf '%s\n' 'a raw - publish x {65536}\n' \
			"a file $WORK/value" 'a send'
		i=$((i + 1))
	done
	echo 'a send q ping'
	echo 'a until q'
	echo 'deaf push s lost'
} | talk >"$WORK/out"
events=$(grep -c '^\* s event' "$WORK/out")
is "$(sed -n 's/^\* s lost count=\([0-9]*\) .*/\1/p' "$WORK/out")" \
	$((120 - events)) 'a gap is told though no event follows'

# ---- a reader that stops reading ----

# Only what others send to it can go over the limit, as the replies of a
# service that streams: then it is cut, and the service is told.
head -c 4194304 /dev/urandom >"$WORK/large"
{
	echo 's hello'
	echo 's send sv serve flood'
	echo 's until sv'
	echo 'deaf hello'
	echo 'other hello'
	echo 'deaf send 1 call flood.me'
	echo 's push sv call'
	i=0
	while [ $i -lt 66 ]; do
		printf '%s\n' 's raw - reply 1 more=1 {4194304}\n' \
			"s file $WORK/large" 's send'
		printf '%s\n' "other send o$i put - o {1}\\nx"
		echo "other drain o$i"
		i=$((i + 1))
	done
	echo 's push sv dropped'
} | talk >"$WORK/out"
is "$(tail -1 "$WORK/out")" '* sv dropped 1' 'who does not read is cut'
is "$(grep -c '^o[0-9]* ok' "$WORK/out")" 66 'others are served all the while'
is "$(figure connections.cut)" 1 'and it is counted'

# ---- a service whose owner dies ----

{
	echo 's hello'
	echo 's send sv serve busy'
	echo 's until sv'
	for c in a b c d; do
		echo "$c hello"
		i=0
		while [ $i -lt 250 ]; do
			echo "$c send $c$i call busy.wait"
			i=$((i + 1))
		done
		echo "$c send p ping"
		echo "$c until p"
	done
	echo 's close'
	for c in a b c d; do
		echo "$c read 250"
	done
} | talk >"$WORK/out"
is "$(grep -c '^[a-d][0-9]* err ECONNRESET' "$WORK/out")" 1000 \
	'all who wait for a service are told that it has gone'
is "$(figure services.calls-waiting)" 0 'nobody waits'

{
	echo 's hello'
	echo 's send sv serve slow'
	echo 's until sv'
	echo 'a hello'
	awk 'BEGIN { for (i = 0; i < 65537; i++)
		print "a send " i " call slow.x" }'
	echo 'a drain 65536'
	echo 'a send p ping'
	echo 'a until p'
} | talk >"$WORK/out"
is "$(grep '^65536' "$WORK/out")" \
	'65536 err EAGAIN 65536 calls wait for their reply: take some first' \
	'calls in flight are bounded'

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
