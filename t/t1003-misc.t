#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The front end and the small commands: ping, uptime, dmesg, logger, getattr,
# lsattr, resource, version, env, help, shutdown.
# shellcheck disable=SC2016	# single quotes: an inner shell expands
. "${srcdir:-.}/t/tap.sh"

# ---- the front end ----

run weir
is "$STATUS" 1 'no command'
matches "$ERR" '^   kvs ' 'lists them on standard error'
run weir --help
is "$STATUS" 0 '--help'
matches "$OUT" '^   kvs +[a-z]' 'lists them'
run weir nosuch
ran 1 '' "weir: \`nosuch' is not a weir command.  See 'weir --help'" \
	'an unknown command'
run weir --nosuch
is "$STATUS" 1 'an unknown option'
run weir -V
matches "$STATUS $OUT" '^0 commands:' '--version'
mkdir "$WORK/bin"
cat >"$WORK/bin/weir-mine" <<'END'
#!/bin/sh
echo "mine: $*"
exit 5
END
chmod +x "$WORK/bin/weir-mine"
WEIR_EXEC_PATH=$WORK/bin run weir mine a -b
ran 5 'mine: a -b' '' 'a command in WEIR_EXEC_PATH'
PATH=$WORK/bin:$PATH run weir mine
ran 5 'mine: ' '' 'a command on the PATH'
run weir "$WORK/bin/weir-mine" x
ran 5 'mine: x' '' 'a command with a slash'
PATH=$WORK/bin:$PATH run weir -v mine
matches "$ERR" 'weir-mine' '--verbose says what is tried'
chmod -x "$WORK/bin/weir-mine"
run weir "$WORK/bin/weir-mine"
ran 1 '' 'weir: * is not executable' 'not executable'

# help runs man: another man shows with which page
cat >"$WORK/bin/man" <<'END'
#!/bin/sh
echo "page $*"
END
chmod +x "$WORK/bin/man"
for word in kvs start event; do
	PATH=$WORK/bin:$PATH run weir help $word
	ran 0 "page weir-$word" '' "help $word"
done
PATH=$WORK/bin:$PATH run weir help
ran 0 'page weir' '' 'help'
PATH=$WORK/bin:$PATH run weir kvs --help
ran 0 'page weir-kvs' '' 'kvs --help'
PATH=$WORK/bin:$PATH run weir ping --help
ran 0 'page weir-ping' '' 'ping --help'
run env PATH=/nowhere "$builddir/cmd/weir" help
ran 1 '' 'weir-help: cannot run man to show weir(1): *' 'there is no man'

# ---- in an instance ----

start_instance -s2 || { ok 1 'an instance starts'; done_testing; }
host=$(hostname)

run weir version
matches "$OUT" "^WEIR_URI: .*$WEIR_URI$" 'version shows the instance'
run weir env
ran 0 "export WEIR_URI=\"$WEIR_URI\"" '' 'env'
run weir env sh -c 'echo "$WEIR_URI"; exit 3'
ran 3 "$WEIR_URI" '' 'env runs a command'
run weir env nosuchprogram
ran 127 '' 'weir-env: nosuchprogram: No such file or directory' \
	'env of no program'

run weir uptime
matches "$STATUS $OUT" "^0  [0-9:]{8} run [0-9.]+m?s,  owner $(id -un),  \
depth 0,  size 2\$" 'uptime'

run weir ping -c 2 -i 0 kvs
is "$STATUS" 0 'ping kvs'
matches "$OUT" '^kvs\.ping pad=0 seq=1 time=[0-9.]+ ms' 'a line each'
for target in 0 1 job-manager; do
	run weir ping -c 1 $target
	is "$STATUS" 0 "ping $target"
done
run weir ping -r 1 -p 1k -u -c 1 execd
matches "$OUT" "^execd-1\.ping pad=1024 userid=$(id -u) role=owner seq=0 " \
	'ping --rank --pad --userid'
run weir ping -c 1 nosvc
ran 1 '' 'weir-ping: nosvc.ping: *' 'a service that nobody serves'
run weir ping -c 1 99
ran 1 '' 'weir-ping: execd-99.ping: *' 'a node that is not there'
run weir ping
ran 1 '' 'weir-ping: one target is needed*' 'no target'
run weir ping -p x kvs
ran 1 '' "weir-ping: --pad: 'x' is no size*" 'a wrong size'

run weir logger -s warning -n mine some words
ran 0 '' '' 'logger'
run weir dmesg
matches "$OUT" '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]*Z mine\.warning.0.: some words$' 'dmesg shows it'
matches "$OUT" ' schedd\.info\[0\]: ' 'and what daemons say'
run weir dmesg -H
matches "$OUT" '^\[[A-Z][a-z]{2}[0-9]{2} [0-9:]{5}\] ' 'dmesg --human'
matches "$OUT" '^\[ *\+[0-9.]+\] mine\.warning' 'later lines: the difference'
mkfifo "$WORK/log"
weir dmesg -f >"$WORK/log" &
note_pid $!
exec 5<"$WORK/log"
until [ "${line%some words}" != "$line" ]; do IFS= read -r line <&5; done
weir logger next
IFS= read -r line <&5
matches "$line" 'logger\.info\[0\]: next$' 'dmesg --follow'
kill $!
exec 5<&-
run weir dmesg -c
matches "$OUT" 'some words$' 'dmesg --read-clear shows'
run weir dmesg
is "$OUT" '' 'and clears'
weir logger once
run weir dmesg -C
is "$OUT" '' 'dmesg --clear shows nothing'
run weir dmesg
is "$OUT" '' 'and clears'
run weir logger -s loud x
ran 1 '' "weir-logger: --severity: 'loud' is none of emerg *" \
	'a wrong severity'
run weir logger
ran 1 '' 'weir-logger: a text is needed*' 'no text'

run weir getattr size
ran 0 2 '' 'getattr'
run weir getattr security.owner
ran 0 "$(id -u)" '' 'getattr, a name that people know'
run weir getattr local-uri
ran 0 "$WEIR_URI" '' 'getattr local-uri'
run weir getattr hostlist
ran 0 "$host,$host" '' 'getattr hostlist'
run weir getattr nope
ran 1 '' 'weir-getattr: nope: No such file or directory' 'a missing one'
run weir lsattr
matches "$OUT" '^rundir$' 'lsattr'
run weir lsattr -v
matches "$OUT" '^size {36}2$' 'lsattr --values'
matches "$OUT" '^parent-uri {30}-$' 'an empty one'

cores=$(nproc)
run weir resource list
ran 0 "$(printf '%10s %6s %6s %5s %s\n' STATE NNODES NCORES NGPUS NODELIST \
	free 2 $((2 * cores)) 0 "$host,$host" allocated 0 0 0 '' down 0 0 0 '')" \
	'' 'resource list'
run weir resource list -n -s all,up
is "$(echo "$OUT" | awk '{ print $1, $2 }')" 'all 2
up 2' 'resource list --states'
run weir resource list -s bogus
is "$STATUS" 1 'a wrong state'
matches "$ERR" '^weir-resource: Invalid resource state bogus specified' 'named'
run weir resource info
ran 0 "2 Nodes, $((2 * cores)) Cores, 0 GPUs" '' 'resource info'
run weir resource R
matches "$OUT" '"R_lite"' 'resource R'
run weir resource status -n
matches "$OUT" "^ +avail .* 2 $host,$host\$" 'resource status'
weir run -n1 sh -c "'$builddir/cmd/weir' resource list -n -s allocated" \
	>"$WORK/out"
is "$(awk '{ print $1, $2, $3 }' "$WORK/out")" 'allocated 1 1' \
	'what a job has is allocated'

# ---- the end ----

run weir shutdown --quiet
ran 0 '' '' 'shutdown'
wait_instance
is "$INSTANCE_STATUS" 129 'the program ended by HUP'
run weir start "$builddir/cmd/weir" run "$builddir/cmd/weir" shutdown
is "$STATUS" 129 'shutdown from a job'
start_instance
run weir shutdown nosuch://x
is "$STATUS" 1 'shutdown of no instance'
stop_instance
is "$INSTANCE_STATUS" 0 'does not stop another'
done_testing
