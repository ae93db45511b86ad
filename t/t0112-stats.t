#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Figures: the command stats, weir kvs stats, and the text for Prometheus over
# HTTP. kvsd(8), Figures.
. "${srcdir:-.}/t/tap.sh"

# http METHOD PATH: at $where
http()
{
	printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' \
		"$1" "$2" | "$builddir/t/tool/exchange" "$where" | tr -d '\r'
}

# figure NAME: of weir kvs stats
figure()
{
	weir kvs stats | awk -v name="$1" '$1 == name { print $2 }'
}

start_kvsd --metrics=127.0.0.1:0
ok $? 'kvsd starts'
export WEIR_URI="local://$SOCKET"

# ---- what counts ----

weir kvs put a=1 b=2
weir kvs put c=3
talk >/dev/null <<'END'
a hello
a send w watch - a
a push w value
a send s subscribe ev
a until s
a send 1 publish ev.x
a until 1
a push s event
a send sv serve calc
a until sv
b hello
b send 1 call calc.add
a push sv call
a send r reply 1
a until r
b until 1
b send 2 call none.at
b until 2
b send 3 nonsense
b until 3
END
is "$(figure database.transactions)" 2 'transactions'
is "$(figure database.commit-wait-seconds)" 2 'each of them waited'
is "$(figure watches.pushes)" 1 'pushes'
is "$(figure watches.now)" 0 'watches that ended do not count'
is "$(figure events.published)" 1 'events'
is "$(figure events.delivered)" 1 'told'
is "$(figure services.call-seconds)" 1 'calls that ended'
is "$(figure process.errors)" 2 'errors'
is "$(figure requests.publish)" 1 'requests by command'
is "$(figure connections.now)" 1 'connections'
is "$(figure database.durability)" commit 'durability'
matches "$(weir kvs stats)" \
	'^database\.transactions +2 +[0-9.]+/s$' 'counters have a rate'
matches "$(weir kvs stats)" \
	'^database\.write-seconds .* mean [0-9.e+-]+, p50 .* most [0-9.e+-]+ ms$' \
	'histograms have quantiles'

talk >/dev/null <<'END'
a hello
a send 1 lease 60
a until 1
a send 2 ns-create n
a until 2
END
is "$(figure database.namespaces) $(figure database.leases)" '2 1' \
	'namespaces and leases'

# ---- the manual has all of them ----

sed -n 's/^\.It Li \([a-z]*\.[a-z-]*\)$/\1/p' "$srcdir/man/kvsd.8" |
	sort >"$WORK/manual"
weir kvs stats | awk '$1 !~ /^requests/ { print $1 }' | sort >"$WORK/told"
is "$(diff "$WORK/manual" "$WORK/told")" '' 'kvsd(8) explains each figure'

# ---- clear ----

weir kvs stats --clear >/dev/null
is "$(figure database.transactions)" 0 'cleared'
is "$(figure database.batch-size)" 0 'histograms too'
weir kvs put d=4
is "$(figure database.transactions)" 1 'counted from there'
is "$(figure database.namespaces)" 2 'gauges stay'
run weir kvs stats --json
matches "$OUT" '^\{"seconds":[0-9.]+,"process":\{.*"rates":\{.*\}\}$' 'as JSON'
matches "$OUT" '"batch-size":\{"count":1,"sum":1.0,"p50":1.0,' 'a histogram'
run weir kvs stats --what
ran 1 '' "weir-kvs: unrecognized option '--what'*" 'a wrong option'
run weir kvs stats x
ran 1 '' 'Usage: weir kvs stats *' 'too many arguments'
got=$(talk <<'END'
a hello
a send 1 stats format=xml
a until 1
a send 2 stats clear=2
a until 2
END
)
is "$got" '1 err EINVAL format=xml is neither json nor prometheus
2 err EINVAL clear=2 is neither 0 nor 1' 'wrong options'

# ---- Prometheus ----

# The form of the text: every sample follows the HELP and TYPE of its name, no
# name comes twice, buckets grow up to +Inf, which equals the count.
check_text()
{
	awk '
	function bad(why) { print NR ": " why ": " $0; exit }
	/^# HELP / { if ($3 in seen) bad("twice"); seen[$3]; help = $3
		if (NF < 4) bad("no text"); next }
	/^# TYPE / { if ($3 != help) bad("no HELP"); name = $3; type = $4
		if (type !~ /^(counter|gauge|histogram)$/) bad("type")
		if (type == "counter" && name !~ /_total$/) bad("_total")
		last = -1; bound = -1; next }
	!/^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$/ {
		bad("form") }
	{ base = $1; sub(/\{.*/, "", base) }
	type != "histogram" { if (base != name) bad("name"); next }
	base == name "_bucket" { le = $1; gsub(/.*le="|".*/, "", le)
		if ($2 < last) bad("falls"); last = $2
		if (le == "+Inf") { inf = $2; next }
		if (le + 0 <= bound) bad("bounds"); bound = le + 0; next }
	base == name "_sum" { next }
	base == name "_count" { if ($2 != inf) bad("count"); next }
	{ bad("sample") }
	END { if (!NR) print "nothing" }'
}

where=$(weir dmesg | sed -n 's,.*figures at http://127\.0\.0\.1:\([0-9]*\)/metrics$,\1,p')
http GET /metrics >"$WORK/out"
is "$(head -1 "$WORK/out")" 'HTTP/1.1 200 OK' 'GET /metrics'
matches "$(cat "$WORK/out")" \
	'^Content-Type: text/plain; version=0.0.4; charset=utf-8$' 'its type'
sed '1,/^$/d' "$WORK/out" >"$WORK/text"
is "$(check_text <"$WORK/text")" '' 'the text has the right form'
is "$(grep '^weir_database_transactions_total ' "$WORK/text")" \
	'weir_database_transactions_total 3' 'and is never cleared'
matches "$(cat "$WORK/text")" '^weir_requests_total\{command="publish"\} 1$' \
	'requests have a label'
matches "$(cat "$WORK/text")" \
	'^weir_database_commit_wait_seconds_bucket\{le="\+Inf"\} 5$' \
	'a histogram of all that waited, a lease and a namespace too'
is "$(weir kvs stats --prometheus | grep '^# TYPE')" \
	"$(grep '^# TYPE' "$WORK/text")" 'weir kvs stats --prometheus is the same'
is "$(http GET /other | head -1)" 'HTTP/1.1 404 Not Found' 'another path'
is "$(http DELETE /metrics | head -1)" 'HTTP/1.1 501 Not Implemented' \
	'another method'
stop_kvsd
is "$KVSD_STATUS" 0 'the server is well'

start_kvsd --metrics="unix:$WORK/m"
where=$WORK/m
is "$(stat -c %A "$where")" srw------- 'a Unix socket is for its owner'
is "$(http GET /metrics | sed '1,/^$/d' | check_text)" '' 'it serves the same'
stop_kvsd KILL
start_kvsd --metrics="unix:$WORK/m"
ok $? 'what a dead server left is replaced'
stop_kvsd
[ ! -e "$WORK/m" ]
ok $? 'the socket goes at the end'

refused()
{
	run "$KVSD" -n --socket="$SOCKET" --statedir="$STATE" "$@"
	is "$STATUS" 1 "refused: $1"
	matches "$ERR" "$why" 'with the reason'
}
why=--metrics-public
refused --metrics=0.0.0.0:9464
refused '--metrics=[::]:9464'
refused --metrics=192.0.2.1:9464
why='neither ADDRESS:PORT'
refused --metrics=localhost
refused --metrics=127.0.0.1
refused --metrics=127.0.0.1:70000
refused --metrics=name:80
why='1 to [0-9]* bytes'
refused --metrics=unix:
run "$KVSD" -n --socket="$SOCKET" --statedir="$STATE" \
	--metrics=0.0.0.0:9464 --metrics-public
ran 0 '' '' 'unless told otherwise'
is "$(grep -c -i -e sanitizer -e "error:" "$WORK/stderr")" 0 \
	"and nothing was wrong"
done_testing
