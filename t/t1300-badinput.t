#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bad input to a whole instance: each is refused with the right exit code and
# words that name what was wrong, and disturbs nobody else. t0101-badinput.t
# has more of the wire, t0107-full.t more of full disks, t/unit/jobspec.c each
# field of a jobspec. weir-protocol(7), weir-jobspec(5), weir-kvs(1).
# shellcheck disable=SC2016,SC2086
if [ -z "$WEIR_T_UNSHARED" ] && [ "$(id -u)" -eq 0 ] &&
   unshare -m true 2>/dev/null; then
	# A mount of our own, gone with us.
	WEIR_T_UNSHARED=1 exec unshare -m sh "$0"
fi
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
weir=$builddir/cmd/weir
start_instance --statedir="$STATE" -s2 ||
	{ ok 1 'an instance starts'; done_testing; }
SOCKET=${WEIR_URI#local://}

# ---- the witnesses: a job and a watch that see the whole of it ----

mkfifo "$WORK/go" "$WORK/up1" "$WORK/seen"
WITNESS=$(weir submit sh -c '
	echo begun; echo up >"$1"; read -r word <"$2"; echo "$word"; exit 7' \
	sh "$WORK/up1" "$WORK/go")
read -r up <"$WORK/up1"
daemons()
{
	for daemon in kvsd schedd execd-0 execd-1; do
		daemon_pid $daemon
	done | xargs
}
DAEMONS=$(daemons)
weir kvs put witness=0
"$weir" kvs get -w witness >"$WORK/seen" 2>"$WORK/seen.err" &
note_pid $!
exec 4<"$WORK/seen"
read -r seen <&4
turn=0

# Nobody died, a commit goes through and is told, a job runs to its end, and
# the job that was there still runs.
undisturbed()
{
	turn=$((turn + 1))
	weir kvs put "witness=$turn" && read -r seen <&4
	is "$seen $(weir run sh -c "echo $turn") $(daemons) \
$(weir jobs -no '{state}' "$WITNESS")" \
		"$turn $turn $DAEMONS RUN" "undisturbed by $1"
}
undisturbed 'nothing'

# ---- lines that are malformed, oversize or truncated ----

got=$(talk <<'EOF'
a hello
b hello
a send 1 nonsense {5}\n1 pi\n
a send 2 get - a b
a send wr!ng ping
a send 3 get - a..b
a send 4 get - %0
a send 5 put - a
a read 6
a raw 6 get - 
a fill 20000
a send
a read 1
a send 7 put - a {134217729}
a read 1
a fill 134217729
a send
b send 1 put - other {1}\nx
b read 1
a send 8 get - other
a read 1
a send 9 put - a {x}
a eof
b raw 2 put - half {1000}\nonly this
b close
c hello
c send 1 get - half
c read 1
c raw 2 put - half
c shut
c eof
EOF
)
is "$(echo "$got" | sed 's/version=[0-9]*/version=N/')" "\
1 err ENOSYS there is no command 'nonsense': help lists them
2 err EINVAL get has no argument 'b': get NS KEY [at=VERSION|HASH] [offset=N] [length=N]
- err EPROTO malformed line: it begins with no tag
3 err EINVAL the key 'a..b' has an empty component
4 err EPROTO malformed line: a % is not followed by two hexadecimal digits of an allowed byte
5 err EINVAL put needs a payload, its length last on the line as {N}
6 err E2BIG the line is over the limit of 16384 bytes
7 err E2BIG the payload of 134217729 bytes is over the limit of 134217728
1 ok version=N
8 ok version=N type=value size=1 {1}
x
- err EPROTO the count of its payload is no number up to 2^40
eof
1 err ENOENT key half does not exist in namespace primary
eof" 'lines: each is told what is wrong with it'
undisturbed 'malformed, oversize and truncated lines'

# ---- half a request, and then nothing ----

{
	printf '%s\n' 'a hello' 'a raw 1 put - half {1000}\nonly this' 'b open' \
		'b raw 1 hel' 'c hello' 'c raw 1 ge'
	printf '%s\n' 'd hello' 'd send 1 get - half' 'd read 1' \
		'd send 2 put - whole {1}\nx' 'd drain 2' 'say stopped'
} >"$WORK/script"
mkfifo "$WORK/talk" "$WORK/told"
talk <"$WORK/talk" >"$WORK/told" &
note_pid $!
exec 3>"$WORK/talk" 5<"$WORK/told"
cat "$WORK/script" >&3
exec 3>&-
got=$(cat <&5)
exec 5<&-
like "$got" '1 err ENOENT key half does not exist*2 ok version=*stopped' \
	'a client that sends half a request delays nobody'
undisturbed 'half requests'

# ---- clients that never read ----

# One asks for 64 MiB and reads none of it while others work.
head -c 65536 /dev/zero | tr '\0' y >"$WORK/value"
weir kvs put --raw big=- <"$WORK/value"
i=0
while [ $i -lt 1000 ]; do
	echo "g$i get - big"
	i=$((i + 1))
done >"$WORK/gets"
talk >"$WORK/out" <<EOF
mute hello
mute file $WORK/gets
a hello
a send 1 put - meanwhile {1}\\nx
a drain 1
a send 2 get - meanwhile
a until 2
say others are served
mute drain g999
EOF
like "$(cat "$WORK/out")" '*2 ok version=*others are served
g999 ok version=*' 'a client that never reads delays nobody, and loses nothing'

# One follows a job and its reader is stuck; the job ends all the same.
mkfifo "$WORK/stuck"
"$weir" run head -c 8000000 /dev/zero >"$WORK/stuck" &
STUCK=$!
note_pid $STUCK
exec 3<"$WORK/stuck"
id=$(weir job last)
while [ "$id" = "$WITNESS" ] || ! weir job wait-event -q "$id" clean; do
	id=$(weir job last)
done
is "$(weir jobs -no '{status}' "$id")" COMPLETED \
	'a job whose output nobody reads ends'
undisturbed 'clients that never read'
is "$(wc -c <&3)" 8000000 'and the output is there when they do'
exec 3<&-
wait $STUCK
is $? 0 'to its end'
forget_pid $STUCK

# ---- jobspecs ----

weir run --dry-run '--env=-*' '--rlimit=-*' --cwd=/ true >"$WORK/good"
jobs_before=$(weir job stats | sed 's/.*"total":\([0-9]*\).*/\1/')

# refused SED MESSAGE: the jobspec with this change
refused()
{
	sed "$1" "$WORK/good" >"$WORK/bad"
	run weir job submit "$WORK/bad"
	ran 1 '' "weir-job: $2" "jobspec: $2"
}
type='"type": "slot", "count": 1'
refused 's/"version": 1/"version": 0/' 'version: must be an integer from 1 to 9999, got 0'
refused 's/"version": 1/"version": "1"/' 'version: must be an integer from 1 to 9999, got "1"'
refused 's/, "version": 1//' 'version: is missing (must be an integer from 1 to 9999)'
refused "s/$type/\"type\": \"slot\", \"count\": \"x\"/" \
	'resources\[0\].count: must be an integer >= 1, got "x"'
refused "s/$type/\"type\": \"slot\", \"count\": 0/" \
	'resources\[0\].count: must be an integer >= 1, got 0'
refused "s/$type/\"type\": \"slot\", \"count\": -1/" \
	'resources\[0\].count: must be an integer >= 1, got -1'
refused "s/$type/\"type\": \"slot\", \"count\": 1.5/" \
	'resources\[0\].count: must be an integer >= 1, got 1.5'
refused "s/$type/\"type\": \"slot\", \"count\": 1000000000000000000/" \
	'resources\[0\].count: must be at most 2147483647, got 1000000000000000000'
refused "s/$type/\"type\": \"slot\", \"count\": 99999999999999999999/" \
	'jobspec: not JSON: line 1, column *: too big integer*'
refused "s/$type/\"type\": 5, \"count\": 1/" \
	'resources\[0\].type: must be "node" or "slot", got 5'
refused 's/"type": "core", "count": 1/"type": "core", "count": 0/' \
	'resources\[0\].with\[0\].count: must be an integer >= 1, got 0'
refused 's/"type": "core"/"type": "fork"/' \
	'resources\[0\].with\[0\].type: must be "core" or "gpu", got "fork"'
refused 's/"resources": .*, "tasks"/"resources": [], "tasks"/' \
	'resources: must be an array of one vertex, got an empty array'
refused 's/"tasks": .*, "attributes"/"tasks": 1, "attributes"/' \
	'tasks: must be an array of one task, got 1'
refused 's/\["true"\]/[]/' \
	'tasks\[0\].command: must be an array of strings that is not empty, got an empty array'
refused 's/\["true"\]/[1]/' 'tasks\[0\].command\[0\]: must be a string, got 1'
refused 's/"slot": "task"/"slot": "other"/' \
	'tasks\[0\].slot: must be the label of the slot, "task", got "other"'
refused 's/"per_slot": 1/"per_slot": 0/' \
	'tasks\[0\].count.per_slot: must be 1, got 0'
refused 's/"per_slot": 1/"total": 1000000000/' \
	'tasks\[0\].count.total: 1000000000 tasks do not fit into 1 slots'
refused 's/"duration": [0-9.]*/"duration": -1/' \
	'attributes.system.duration: must be a number of seconds from 0 to 1e10, got -1'
refused 's/"duration": [0-9.]*/"duration": "long"/' \
	'attributes.system.duration: must be a number of seconds from 0 to 1e10, got "long"'
refused 's/"environment": {}/"environment": {"A": 5}/' \
	'attributes.system.environment.A: must be a string or null, got 5'
refused 's/"environment": {}/"environment": {"A=B": "5"}/' \
	'attributes.system.environment.A=B: not a name of a variable'
refused 's:"cwd"\: "/":"cwd"\: "here":' \
	'attributes.system.cwd: must be an absolute path, got "here"'
refused 's:"cwd"\: "/":"shell"\: []:' \
	'attributes.system.shell: must be an object, got an empty array'
refused 's:"cwd"\: "/":"shell"\: {"options"\: {"rlimit"\: 5}}:' \
	'attributes.system.shell.options.rlimit: must be an object, got 5'
refused 's:"cwd"\: "/":"shell"\: {"options"\: {"rlimit"\: {"core"\: "x"}}}:' \
	'attributes.system.shell.options.rlimit.core: must be an integer from -1 (no limit) on, got "x"'
refused 's/"version": 1/"version": 1, "bogus": 1/' 'bogus: unknown key'
refused 's/.*/{}/' 'version: is missing (must be an integer from 1 to 9999)'
refused 's/.*/[]/' 'jobspec: must be an object, got an empty array'
refused 's/}$//' 'jobspec: not JSON: line 2, column 0: * expected near end of file'
head -c 5000000 /dev/zero | tr '\0' ' ' >"$WORK/pad"
{ cat "$WORK/pad"; cat "$WORK/good"; } >"$WORK/bad"
run weir job submit "$WORK/bad"
ran 1 '' 'weir-job: cannot sign the job: envelope: payload is over 4 MiB' \
	'a huge jobspec'
printf '%0100000d' 0 | tr 0 '[' >"$WORK/bad"
run weir job submit "$WORK/bad"
ran 1 '' 'weir-job: jobspec: not JSON: *maximum parsing depth*' 'a deep one'
run weir job submit "$WORK/none"
ran 1 '' "weir-job: $WORK/none: No such file or directory" 'one that is missing'

# ---- resources that the instance will never have ----

cores=$(($(nproc) * 2))
for size in "-n$((cores + 1)):$((cores + 1)) cores are needed, the instance has $cores" \
	'-n2147483647:2147483647 cores are needed, the instance has *' \
	'-c100000:100000 cores are needed, the instance has *' \
	'-N3:3 nodes are needed, the instance has 2' \
	'-g1:the instance has no gpu'; do
	run weir submit "${size%%:*}" true
	ran 1 '' "weir-submit: ERROR: unsatisfiable request: ${size#*:}" \
		"submit ${size%%:*}"
done
for size in -n0 -n-1 -nx -n99999999999999999999 -c0 -N0 -g-1; do
	run weir submit $size true
	ran 1 '' "weir-submit: ERROR: --*: '${size#-?}' is no number from *" \
		"submit $size"
done
is "$(weir job stats | sed 's/.*"total":\([0-9]*\).*/\1/')" "$jobs_before" \
	'of what was refused nothing became a job'
undisturbed 'refused jobs'

# ---- commands that cannot run, or die ----

failed="task 0 \(host $(hostname)\): start failed:"
run weir run nosuchcmd
ok "$((STATUS != 127))" 'a command that does not exist: 127'
matches "$ERR" "type=exec severity=0 $failed nosuchcmd: No such file or directory$" \
	'and what it was'
run weir run "$WORK/none/cmd"
is "$STATUS" 127 'a path that does not exist: 127'
: >"$WORK/plain"
chmod 644 "$WORK/plain"
run weir run "$WORK/plain"
is "$STATUS" 126 'a file that is not executable: 126'
matches "$ERR" "type=exec severity=0 $failed $WORK/plain: Permission denied$" \
	'and which'
run weir run /
is "$STATUS" 126 'a folder: 126'
printf '#!/no/such/interpreter\n' >"$WORK/script"
chmod 755 "$WORK/script"
run weir run "$WORK/script"
is "$STATUS" 127 'a script whose interpreter does not exist: 127'
printf 'rubbish' >"$WORK/script"
run weir run "$WORK/script"
ok "$((STATUS == 0))" 'a file that is no program fails'
for signal in 1:HUP 2:INT 6:ABRT 9:KILL 11:SEGV 13:PIPE 14:ALRM 15:TERM; do
	run weir run --rlimit=core=0 sh -c "kill -${signal#*:} \$\$"
	is "$STATUS" $((128 + ${signal%:*})) "SIG${signal#*:}: 128 + ${signal%:*}"
done
like "$ERR" '*weir-job: task(s) Terminated*' 'and the signal is named'
run weir run -n2 sh -c '[ $WEIR_TASK_RANK = 0 ] || exec nosuchcmd; exit 3'
is "$STATUS" 127 'one task of two: the greatest'
run weir run --cwd="$WORK/none" true
ran 1 '' "*start failed: $WORK/none: No such file or directory*" \
	'a folder that does not exist'
undisturbed 'commands that cannot run'

# ---- a request that is lost while its job waits ----

weir queue stop >/dev/null
LOST=$(weir submit true)
LUCKY=$(weir submit true)
weir kvs unlink "$(weir job id --to=kvs "$LOST").J"
weir queue start >/dev/null
run weir job attach "$LOST"
ran 1 '' "*the job's request: key job.*.J does not exist*" 'a job without a request ends'
run weir job attach "$LUCKY"
ran 0 '' '' 'the one behind it runs'
undisturbed 'a lost request'

# ---- keys that do not exist ----

for verb in get dir readlink 'eventlog get' \
	'copy @ b' 'move @ b' 'get -w' 'eventlog wait-event @ x'; do
	case $verb in
	*@*) run weir kvs ${verb%@*} no.key ${verb#*@} ;;
	*) run weir kvs $verb no.key ;;
	esac
	ran 1 '' 'weir-kvs: no.key: No such file or directory' \
		"kvs $verb: no such key"
done
run weir kvs ls no.key
ran 1 '' 'no.key: No such file or directory' 'kvs ls: no such key'
run weir kvs unlink no.key
ran 1 '' "weir-kvs: cannot unlink 'no.key': No such file or directory" \
	'kvs unlink: no such key'
run weir getattr no.key
ran 1 '' 'weir-getattr: no.key: No such file or directory' \
	'getattr: no such attribute'
for verb in get dir readlink 'eventlog get' 'watch -c1' mkdir unlink ls 'link b'; do
	run weir kvs $verb a..b
	ran 1 '' "*the key 'a..b' has an empty component" \
		"kvs $verb: a malformed key"
done
run weir kvs copy a..b c
ran 1 '' "*the key 'a..b' has an empty component" 'kvs copy: a malformed key'
run weir kvs put good.key=1 a..b=1
ran 1 '' "*the key 'a..b' has an empty component" 'kvs put: a malformed key'
run weir kvs get good.key
ran 1 '' 'weir-kvs: good.key: No such file or directory' 'and nothing is put'
run weir kvs eventlog get big
ran 1 '' 'weir-kvs: big: *no event log' 'kvs eventlog get: no event log'

# ---- namespaces that do not exist ----

for verb in 'get a' 'dir a' 'readlink a' 'eventlog get a' 'watch -c1 a' \
	'eventlog append a b' 'eventlog wait-event a b' 'get -w a' 'get -W a'; do
	run env WEIR_KVS_NAMESPACE=none "$weir" kvs $verb
	ran 1 '' 'weir-kvs: *a: namespace none does not exist' \
		"kvs $verb: no such namespace"
done
for verb in 'put a=1' 'mkdir a' 'link a b'; do
	run env WEIR_KVS_NAMESPACE=none "$weir" kvs $verb
	ran 1 '' "weir-kvs: ${verb%% *}: namespace none does not exist" \
		"kvs $verb: no such namespace"
done
for verb in getroot version sync 'namespace remove none' 'wait 1'; do
	run env WEIR_KVS_NAMESPACE=none "$weir" kvs $verb
	ran 1 '' 'weir-kvs: none: *namespace *does not exist' \
		"kvs $verb: no such namespace"
done
run weir kvs ls -N none a
ran 1 '' 'a: namespace none does not exist' 'kvs ls: no such namespace'
run weir kvs unlink -N none a
ran 1 '' "weir-kvs: cannot unlink 'a': namespace none does not exist" \
	'kvs unlink: no such namespace'
run weir kvs copy -S none a b
ran 1 '' 'weir-kvs: a: namespace none does not exist' \
	'kvs copy: no such source'
for verb in copy move; do
	run weir kvs $verb -D none witness b
	ran 1 '' 'weir-kvs: b: namespace none does not exist' \
		"kvs $verb: no such destination"
done
undisturbed 'missing keys and namespaces'

# ---- jobs that do not exist ----

for verb in status eventlog taskmap timeleft 'info @ R' 'info @ nosuch' \
	'wait-event @ clean' 'eventlog -p guest.output' 'eventlog -F'; do
	case $verb in
	*@*) run weir job ${verb%@*} 12345 ${verb#*@} ;;
	*) run weir job $verb 12345 ;;
	esac
	ran 1 '' 'weir-job: f4fr: No such job' "job $verb: no such job"
	case $verb in
	*@*) run weir job ${verb%@*} 'no!' ${verb#*@} ;;
	*) run weir job $verb 'no!' ;;
	esac
	case $verb in
	taskmap) want='no!: neither a job id nor a task map: *' ;;
	*) want='no!: malformed input' ;;
	esac
	ran 1 '' "weir-job: $want" "job $verb: no job id"
done
for verb in kill raise cancel; do
	run weir job $verb 12345
	ran 1 '' "weir-job: $verb f4fr: unknown job id" "job $verb: no such job"
	run weir job $verb 'no!'
	ran 1 '' 'weir-job: no!: malformed input' "job $verb: no job id"
done
run weir job attach 12345
ran 1 '' 'weir-job: Failed to attach to f4fr: No such job' \
	'job attach: no such job'
run weir job list-ids 12345
ran 1 '' 'weir-job: 12345: unknown job id' 'job list-ids: no such job'
for verb in attach list-ids id namespace; do
	run weir job $verb 99999999999999999999
	ran 1 '' 'weir-job: 99999999999999999999: malformed input' \
		"job $verb: no job id"
done
run weir cancel 12345
ran 1 '' 'weir-cancel: ERROR: f4fr: unknown job id' 'cancel: no such job'
run weir cancel 'no!'
ran 2 '' "weir-cancel: argument JOBID...: invalid JobID value: 'no!'*" \
	'cancel: no job id'
run weir jobs -n 12345
ran 1 '' 'JobID 12345 unknown' 'jobs: no such job'
run weir jobs 'no!'
ran 2 '' "weir-jobs: ERROR: invalid JobID value: 'no!'" 'jobs: no job id'
run weir job info "$WITNESS" nosuch
ran 1 '' 'weir-job: nosuch: key not found' 'job info: no such key'
run weir job eventlog -p nosuch "$WITNESS"
ran 1 '' 'weir-job: eventlog path nosuch not found' \
	'job eventlog: no such path'
run weir job eventlog -p jobspec "$WITNESS"
ran 1 '' 'weir-job: jobspec: *no event log' 'job eventlog: no event log'
undisturbed 'missing jobs'

# ---- other things that do not exist ----

run weir ping -c1 nosuch
ran 1 '' 'weir-ping: nosuch.ping: nobody serves nosuch' 'ping: no such service'
run weir ping -c1 -r 9 execd
ran 1 '' 'weir-ping: execd-9.ping: nobody serves execd-9' 'ping: no such rank'
run weir resource list -s bogus
ran 1 '' 'weir-resource: Invalid resource state bogus specified*' \
	'resource list: no such state'
run weir event pub ''
ran 1 '' 'weir-event: : a topic has 1 to 255 bytes' 'event pub: no topic'
run weir nosuch
ran 1 '' "weir: \`nosuch' is not a weir command.*" 'no such command'

# ---- state folders ----

# starts FOLDER REASON NAME: it does not
no_start()
{
	run env -u WEIR_URI "$weir" start --statedir="$1" true
	ran 1 '' "weir-start: cannot start: kvsd: $2" "$3"
}
: >"$WORK/file"
no_start "$WORK/file" "*$WORK/file*" 'a file as state folder'
no_start "$WORK/file/x" "*$WORK/file/x*Not a directory*" \
	'a state folder below a file'
if [ "$(id -u)" -ne 0 ]; then
	mkdir -m 500 "$WORK/locked"
	no_start "$WORK/locked/x" "*$WORK/locked/x*Permission denied*" \
		'a state folder that cannot be made'
	no_start "$WORK/locked" "*$WORK/locked*Permission denied*" \
		'a state folder that is not writable'
else
	no_start /proc/x '*/proc/x*No such file or directory*' \
		'a state folder that cannot be made'
	mkdir "$WORK/locked"
	if mount -t tmpfs -o ro,mode=700 tmpfs "$WORK/locked" 2>/dev/null; then
		no_start "$WORK/locked" "*$WORK/locked*Read-only file system*" \
			'a state folder that is not writable'
		umount "$WORK/locked"
	else
		skip 'a state folder that is not writable' 'mount is not allowed'
	fi
fi
no_start "$STATE" "*$STATE*use*" 'a state folder that a live instance uses'
undisturbed 'another instance that wanted its folder'

# ---- the witnesses have seen all of it ----

echo over >"$WORK/go"
run weir job attach "$WITNESS"
ran 7 'begun
over' '*exit code 7' 'the job that was there all the time ends as it should'
exec 4<&-
is "$(daemons)" "$DAEMONS" 'no daemon was started anew'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends well'

# ---- a full disk ----

mkdir "$WORK/disk"
if [ -z "$WEIR_T_UNSHARED" ] ||
   ! mount -t tmpfs -o size=3m tmpfs "$WORK/disk" 2>/dev/null; then
	skip 'a full disk' 'needs root, to mount a small one'
	done_testing
fi
cat /dev/zero >"$WORK/disk/ballast" 2>/dev/null
no_start "$WORK/disk/state" "*$WORK/disk/state*No space left on device*" \
	'a state folder on a full disk'
rm -rf "$WORK/disk/ballast" "$WORK/disk/state"
start_instance --statedir="$WORK/disk/state"
weir kvs put before=1
# More than fits. The job waits for room, as everything does that must be kept.
head -c 4000000 /dev/urandom >"$WORK/value"
BIG=$(weir submit cat "$WORK/value")
weir dmesg -f >"$WORK/seen" &
note_pid $!
exec 4<"$WORK/seen"
sed '/No space left on device/q' <&4 >"$WORK/log"
exec 4<&-
matches "$(cat "$WORK/log")" 'No space left on device' 'the log tells of it'
run weir kvs put --raw more=- <"$WORK/value"
ran 1 '' 'weir-kvs: put: *No space left on device' 'writers are told'
i=0
while head -c 16384 /dev/urandom | weir kvs put --raw fill.$i=- 2>/dev/null; do
	i=$((i + 1))
done
run weir submit true "$(printf '%0100000d' 0)"
ran 1 '' 'weir-submit: ERROR: *No space left on device' 'so is who submits'
run weir kvs get before
ran 0 1 '' 'readers go on'
mount -o remount,size=64m "$WORK/disk"
weir job attach "$BIG" >"$WORK/out"
is "$? $(cmp "$WORK/value" "$WORK/out")" '0 ' \
	'with room the job goes on, and nothing of it is lost'
run weir run true
ran 0 '' '' 'and so do others'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends well'
umount "$WORK/disk"
done_testing
