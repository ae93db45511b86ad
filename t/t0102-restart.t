#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What was acknowledged is there after kill -9; sockets of dead and living
# servers; the folder of the database. kvsd(8).
. "${srcdir:-.}/t/tap.sh"

# ---- refusals ----

"$KVSD" >"$WORK/out" 2>&1
is $? 1 "without a socket it doesn't start"
"$KVSD" --nonsense >"$WORK/out" 2>&1
is $? 2 "an option that there is not"
"$KVSD" --socket="$SOCKET" --statedir="$STATE" --durability=some -n >"$WORK/out" 2>&1
is "$?:$(cat "$WORK/out")" "1:kvsd: --durability is commit or none" "-n checks"
"$KVSD" --socket="$SOCKET" --statedir="$STATE" -n >"$WORK/out" 2>&1
is "$?:$([ -e "$STATE" ] && echo made)" "0:" "and makes nothing"
"$KVSD" --version >"$WORK/out"
matches "$(cat "$WORK/out")" '^kvsd [0-9.]+$' "--version"

mkdir "$WORK/open"
chmod 755 "$WORK/open"
start_daemon "$KVSD" --socket="$SOCKET" --statedir="$WORK/open"
is "$READY" "kvsd: $WORK/open: others may enter it (mode 0755): chmod 700" \
	"a folder that others may enter"
start_daemon "$KVSD" --socket="$SOCKET" --statedir="$WORK/none/none"
is "$READY" "kvsd: $WORK/none/none: cannot be made: No such file or directory" \
	"a folder that can't be made"
echo >"$WORK/file"
start_daemon "$KVSD" --socket="$WORK/file" --statedir="$STATE"
is "$READY" "kvsd: $WORK/file: exists and is no socket" "a file in its place"
long=$(head -c 120 /dev/zero | tr '\0' s)
start_daemon "$KVSD" --socket="$WORK/$long" --statedir="$STATE"
like "$READY" "*longer than the 107 bytes*" "too long a name"

# ---- two of them ----

start_kvsd || ok 1 "kvsd starts"
first=$KVSD_PID
id=$(cat "$STATE/instance")
start_daemon "$KVSD" --socket="$SOCKET" --statedir="$WORK/other"
is "$READY" "kvsd: $SOCKET: in use by a live instance (pid $first)" \
	"a socket in use"
start_daemon "$KVSD" --socket="$WORK/socket2" --statedir="$STATE"
like "$READY" "kvsd: *$STATE*" "a database in use: $READY"

# ---- kill -9 under load ----

# Commits in one stream; the server is killed when some are acknowledged.
awk 'BEGIN { for (i = 0; i < 20000; i++)
	printf "%d put - load.k%d {8}\nvalue%03d\n", i, i, i % 1000 }' >"$WORK/load"
round=1
while [ $round -le 3 ]; do
	{
		echo "a hello"
		echo "a file $WORK/load"
		echo "a read $((round * 400))"
		echo "kill $KVSD_PID 9"
		echo "a eof"
	} >"$WORK/script"
	talk <"$WORK/script" >"$WORK/out"
	wait "$KVSD_PID"
	forget_pid "$KVSD_PID"
	sed -n 's/^\([0-9]*\) ok version=.*/\1/p' "$WORK/out" >"$WORK/acknowledged"
	start_kvsd || ok 1 "kvsd starts again"
	{
		echo "a hello"
		sed 's/.*/a send g& get - load.k&/' "$WORK/acknowledged"
		echo "a send end ping"
		echo "a until end"
	} >"$WORK/script"
	talk <"$WORK/script" >"$WORK/out"
	n=$(wc -l <"$WORK/acknowledged")
	is "$(grep -c '^g[0-9]* ok ' "$WORK/out")" "$n" \
		"kill -9, round $round: all $n acknowledged keys are there"
	round=$((round + 1))
done
is "$(cat "$STATE/instance")" "$id" "the instance has its id"

# ---- durability none ----

stop_kvsd
start_kvsd --durability=none --instance=mine || ok 1 "kvsd starts"
got=$(talk <<'END'
a open
a send 1 hello 1
a until 1
a send 2 put - soft {1}\nx
a send 3 get - soft
a until 3
END
)
matches "$got" "instance=mine" "--instance"
matches "$got" "^3 ok" "--durability=none"
stop_kvsd
start_kvsd || ok 1 "kvsd starts"
got=$(printf '%s\n' 'a hello' 'a send 1 get - soft' 'a until 1' | talk)
matches "$got" "^1 ok" "what was written so is there after a clean end"

stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
