#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files in the place of a job's standard streams: --input, --output, --error,
# -o output.mode, --label-io. weir-submit(1), weir-jobspec(5).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
W=$WORK
start_instance -s2 || { ok 1 'an instance starts'; done_testing; }

# ---- output
run weir run --output="$W/out" sh -c 'echo one; echo two >&2; printf three'
ran 0 '' "0: stdout redirected to $W/out
0: stderr redirected to $W/out" 'output and errors go to a file'
is "$(sort "$W/out")" 'one
three
two' 'all of it'
run weir run --output="$W/out" echo again
is "$(cat "$W/out")" again 'it is written anew'
run weir run --output="$W/out" -o output.mode=append echo more
is "$(cat "$W/out")" 'again
more' 'or appended to'
run weir run --output="$W/out" --error="$W/err" sh -c 'echo one; echo two >&2'
ran 0 '' "0: stdout redirected to $W/out
0: stderr redirected to $W/err" 'two files'
is "$(cat "$W/out" "$W/err")" 'one
two' 'each with its own'
run weir run --error="$W/err" sh -c 'echo one; echo two >&2'
ran 0 one "0: stderr redirected to $W/err" 'errors alone'
is "$(cat "$W/err")" two 'are there'
run weir run --output="$W/out" --error=none sh -c 'echo one; echo two >&2'
ran 0 '' "0: stdout redirected to $W/out
two" 'output alone'
run weir run --output=kvs --error=none sh -c 'echo one; echo two >&2'
ran 0 one two 'neither'
run weir run --output=/dev/null sh -c 'echo one; echo two >&2'
ran 0 '' '*redirected to /dev/null' 'a device'
mkdir "$W/folder"
run weir run --cwd="$W/folder" --output=here pwd
is "$STATUS $(cat "$W/folder/here")" "0 $W/folder" \
	'a name is taken from the folder of the job'
run weir run --output="$W/blob" head -c 3000000 /dev/zero
is "$STATUS $(wc -c <"$W/blob")" '0 3000000' '3 MB'
run weir run --output="$W/out" -u sh -c 'printf half; cat "$0"' "$W/out"
is "$STATUS" 0 'unbuffered'

# ---- templates
id=$(weir submit --job-name=nim --output="$W/{{name}}-{{id.f58plain}}.out" echo hello)
run weir job attach "$id"
ran 0 '' "*redirected to $W/nim-$id.out*" 'a template'
is "$(cat "$W/nim-$id.out")" hello 'is filled in'
run weir run -n2 --output="$W/task{{taskid}}" sh -c 'echo $WEIR_TASK_RANK'
is "$STATUS $(cat "$W/task0" "$W/task1" | xargs)" '0 0 1' 'a file each task'
run weir run -N2 --output="$W/node{{node.id}}" sh -c 'echo {{node.id}}'
is "$STATUS $(cat "$W/node0" "$W/node1" | xargs)" '0 0 1' 'a file each node'
run weir run -N1 -n2 --output="$W/both" sh -c \
	'i=0; while [ $i -lt 500 ]; do echo $WEIR_TASK_RANK; i=$((i + 1)); done'
is "$STATUS $(sort "$W/both" | uniq -c | xargs)" '0 500 0 500 1' \
	'a file of two tasks has whole lines of both'
run weir run -N2 --output="$W/shared" true
like "$STATUS $ERR" "1 *type=exec severity=0 *stdout: cannot open $W/shared: \
one file for several nodes: *{{id}}*{{node.id}}*" 'one file of two nodes is refused'
run weir run -N2 --output="$W/shared" -o output.mode=append echo here
is "$STATUS $(cat "$W/shared" | xargs)" '0 here here' 'unless it is appended to'
id=$(weir submit -N2 --output="$W/job{{id.dec}}" echo here)
run weir job status "$id"
is "$STATUS $(cat "$W/job$(weir job id "$id")" | xargs)" '0 here here' \
	'or has the name of the job'
run weir submit --quiet --wait --cc=1-2 --output="$W/copy{cc}" echo 'copy {cc}'
is "$STATUS $(cat "$W/copy1" "$W/copy2" | xargs)" '0 copy 1 copy 2' 'of copies'

# ---- labels
run weir run -N1 -n2 -l --output="$W/out" sh -c \
	'echo $WEIR_TASK_RANK; echo err >&2; printf last'
is "$STATUS $(sort "$W/out" | xargs)" '0 0: 0 0: err 0: last 1: 1 1: err 1: last' \
	'labels are in the file'
run weir run --output="$W/out" -o output.stdout.label printf 'a\n\nb'
is "$(cat "$W/out")" '0: a
0: 
0: b' 'on each line'

# ---- input
printf 'first\nsecond\n' >"$W/in"
run weir run --input="$W/in" cat
ran 0 'first
second' '' 'input from a file'
run weir run -n2 --input="$W/in" -l head -n 1
is "$(echo "$OUT" | sort)" '0: first
1: first' 'for each task'
run weir run -n2 --input="$W/task{{taskid}}" cat
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 0 1' 'by a template'
run weir run --input=0 cat <"$W/in"
ran 0 'first
second' '' 'the first task has it anyway'
run weir run --input=0-1 -n2 cat
ran 1 '' "weir-run: ERROR: --input: '0-1': standard input goes to task 0 only;*" \
	'others cannot'
run weir run --input=/dev/null cat
ran 0 '' '' 'a device'

# ---- what cannot be
host=$(hostname)
run weir run --output="$W/none/out" sh -c ': >"$0/ran"' "$W"
ran 1 '' "*type=exec severity=0 task 0 (host $host): stdout: cannot open \
$W/none/out: No such file or directory*" 'a folder that is missing'
[ ! -e "$W/ran" ]
ok $? 'the command does not run'
run weir run --error="$W" true
ran 1 '' "*stderr: cannot open $W: Is a directory*" 'a folder'
run weir run --input="$W/none" true
ran 1 '' "*stdin: cannot open $W/none: No such file or directory*" \
	'no such input'
run weir run --input="$W" true
ran 1 '' "*stdin: cannot open $W: Is a directory*" 'a folder as input'
mkfifo "$W/fifo"
run weir run --input="$W/fifo" true
ran 1 '' "*stdin: cannot open $W/fifo: it is neither a file nor a device*" \
	'a pipe that nobody writes'
run weir run --output=/dev/full sh -c 'echo x; sleep 1000'
ran 1 '' '*type=exec severity=0 cannot write /dev/full: No space left on device*' \
	'a full disk ends the job'
run weir run --output=/dev/full echo x
ran 1 '' '*type=exec severity=0 cannot write /dev/full: No space left on device*' \
	'also when it ends at once'
for bad in 'output.mode=x:output.mode: must be "truncate" or "append", got "x"' \
	'output.stdout.type=x:output.stdout.type: must be "kvs" or "file", got "x"' \
	'output.stderr=5:output.stderr: must be an object, got 5' \
	'input.stdin.type=5:input.stdin.type: must be "service" or "file", got 5' \
	'output.stdout.type=file:output.stdout.path: is missing (must be a string that is not empty)'; do
	run weir run -o "${bad%%:*}" true
	ran 1 '' "weir-run: ERROR: attributes.system.shell.options.${bad#*:}" \
		"refused: ${bad%%:*}"
done
run weir run --output= true
ran 1 '' "weir-run: ERROR: output.stdout: '' is no name of a file" 'no name'

# ---- the ends of the streams, for programs that read the records
records()
{
	weir kvs get -r "$(weir job id --to=kvs "$1").guest.output" |
		awk '$1 != "data" && NF { print $1, $2, $3 * ($1 == "eof") }' |
		sort | xargs
}
id=$(weir submit -n2 sh -c '[ $WEIR_TASK_RANK = 1 ] || echo')
weir job wait-event "$id" clean >"$W/ended"
is "$(records "$id")" 'eof stderr 0 eof stderr 1 eof stdout 0 eof stdout 1 output 1 0' \
	'a task has written: each stream has an end'
id=$(weir submit -n2 true)
weir job wait-event "$id" clean >"$W/ended"
is "$(records "$id")" 'output 1 0' 'none has: no records at all'

# ---- a job goes on without its agent
mkfifo "$W/begun" "$W/go"
id=$(weir submit --output="$W/out" sh -c \
	'echo before; echo up >"$0/begun"; read -r x <"$0/go"; echo after' "$W")
read -r begun <"$W/begun"
node=$(weir jobs -no '{ranks}' "$id")
kill -9 "$(daemon_pid "execd-$node")"
echo >"$W/go"
run weir job attach "$id"
is "$STATUS $(cat "$W/out" | xargs)" '0 before after' 'the agent is killed'

stop_instance
is "$INSTANCE_STATUS" 0 'the instance ends'
done_testing
