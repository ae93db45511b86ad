#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What jobs need, where their tasks go and what they bring along: --cores,
# --tasks-per-node, --tasks-per-core, --gpus-per-node, --requires, --taskmap,
# --add-file, --log, --log-stderr. weir-submit(1).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
W=$WORK
start_instance -s3 || { ok 1 'an instance starts'; done_testing; }

# part KEY OPTION...: KEY of the request and what follows, without blanks;
# nothing if it has none
part()
{
	key=$1
	shift
	weir submit --env=-'*' --rlimit=-'*' --dry-run "$@" 2>&1 |
		sed 's/\([]:,{}["0-9]\) /\1/g; /"'"$key"'":/!d; s/.*"'"$key"'"://'
}

# begins TEXT START NAME: TEXT begins with START
begins()
{
	case $1 in
	"$2"*) is 1 1 "$3" ;;
	*) is "$1" "$2" "$3" ;;
	esac
}

# refused OPTIONS MESSAGE NAME: status 1 and the message, for run too
refused()
{
	set -f
	# shellcheck disable=SC2086	# several options
	run weir submit --dry-run $1 true
	set +f
	ran 1 '' "weir-submit: ERROR: $2" "$3"
}

# ---- sizes by resource
begins "$(part resources --cores=4 true)" \
	'[{"type":"slot","count":4,"with":[{"type":"core","count":1}],"label":"task"}]' \
	'--cores: slots of one core'
is "$(part per-resource --cores=4 true)" '' 'a task each'
begins "$(part per-resource --cores=4 --tasks-per-core=2 true)" \
	'{"type":"core","count":2}' '--tasks-per-core'
begins "$(part resources -N2 --cores=4 true)" \
	'[{"type":"node","count":2,"with":[{"type":"slot","count":1,"with":[{"type":"core","count":2}],"label":"task"}]}]' \
	'--cores with nodes: the same on each'
begins "$(part per-resource -N2 --cores=4 true)" '{"type":"core","count":1}' \
	'and a task for each core'
begins "$(part resources -N2 --tasks-per-node=2 true)" \
	'[{"type":"node","count":2,"with":[{"type":"slot","count":1,"with":[{"type":"core","count":1}],"label":"task"}],"exclusive":true}]' \
	'--tasks-per-node: whole nodes'
begins "$(part per-resource -N2 --tasks-per-node=2 true)" \
	'{"type":"node","count":2}' 'so many tasks on each'
begins "$(part with -N2 --cores=2 --gpus-per-node=3 true)" \
	'[{"type":"core","count":1},{"type":"gpu","count":3}]' '--gpus-per-node'
run weir run -N2 --tasks-per-node=2 sh -c 'echo $WEIR_TASK_RANK of $WEIR_JOB_SIZE on {{node.id}}'
is "$STATUS $(echo "$OUT" | sort | xargs)" \
	'0 0 of 4 on 0 1 of 4 on 0 2 of 4 on 1 3 of 4 on 1' \
	'tasks are counted by the node'
run weir run --cores=1 --tasks-per-core=3 sh -c 'echo $WEIR_TASK_RANK'
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 0 1 2' 'or by the core'
run weir run -N3 --cores=3 sh -c 'echo {{node.id}}'
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 0 1 2' 'cores are spread over nodes'
refused '--cores=2 -n2' \
	"Per-resource options can't be used with per-task options: --cores with --ntasks" \
	'sizes of both kinds are refused'
refused '--tasks-per-node=2 -c2 -N1' \
	"Per-resource options can't be used with per-task options: --tasks-per-node with --cores-per-task" \
	'of cores, too'
refused '--tasks-per-core=2 --tasks-per-node=1 -N1' \
	"--tasks-per-node and --tasks-per-core can't be used together" 'tasks twice'
refused '--gpus-per-node=1 --cores=1' \
	'--gpus-per-node can only be set with a node count' 'gpus of no node'
refused '--tasks-per-node=1' '--tasks-per-node: needs --cores or --nodes' \
	'tasks of nothing'
refused '-N2 --cores=3' "--cores: '3' is no multiple of the node count, 2" \
	'cores that are no multiple'
refused '--cores=many' "--cores: 'many' is no number from 1 to 2147483647" \
	'no number'
run weir batch --cores=1 "$W/none"
is "$STATUS" 2 'weir batch has slots'

cat >"$W/need" <<'END'
[{"type":"node","count":2,"with":[{"type":"slot","count":1,"label":"x",
	"with":[{"type":"core","count":1}]}]}]
END
run weir run -n7 --resources-json="$W/need" sh -c 'echo {{node.id}}'
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 0 1' '--resources-json instead of sizes'
begins "$(part slot -n7 --resources-json="$W/need" true)" '"x"' 'tasks go into its slot'
id=$(weir batch --resources-json="$W/need" --output=/dev/null --wrap true)
run weir job status "$id"
is "$STATUS" 0 'of weir batch'
echo '[{"type":"slot","count":0,"label":"x","with":[{"type":"core","count":1}]}]' >"$W/need"
refused "--resources-json=$W/need" "--resources-json: *: resources[[]0].count: must be an integer >= 1, got 0" \
	'a count that is wrong'
echo '[{"type":"core","count":1}]' >"$W/need"
refused "--resources-json=$W/need" "--resources-json: *: must be an array of resources with a slot that has a label" \
	'no slot'
refused "--resources-json=$W/none" "--resources-json: *: *No such file or directory" 'no file'

# ---- requires
begins "$(part constraints --requires=a true)" '{"properties":["a"]}' '--requires: a property'
begins "$(part constraints --requires='a,^b' true)" '{"properties":["a","^b"]}' 'two'
begins "$(part constraints --requires='a b' true)" '{"properties":["a","b"]}' 'side by side'
begins "$(part constraints --requires='a|b&c' true)" \
	'{"or":[{"properties":["a"]},{"properties":["b","c"]}]}' 'and binds tighter than or'
begins "$(part constraints --requires='a b host:x' true)" \
	'{"and":[{"properties":["a","b"]},{"hostlist":["x"]}]}' 'a host'
begins "$(part constraints --requires='not (rank:0-1 or -hosts:x[1-2])' true)" \
	'{"not":[{"or":[{"ranks":["0-1"]},{"not":[{"hostlist":["x[1-2]"]}]}]}]}' \
	'not, ranks and hosts'
run weir run --requires=rank:2 -n1 sh -c 'echo {{node.broker_rank}}'
ran 0 2 '' 'the job runs where it has to'
run weir run -N2 --requires='-rank:1' sh -c 'echo {{node.broker_rank}}'
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 0 2' 'or not where it must not'
run weir submit -N3 --requires='not rank:1' true
like "$STATUS $ERR" '1 weir-submit: ERROR: unsatisfiable request: *' \
	'what is never possible is refused'
run weir submit --requires=big true
like "$STATUS $ERR" '1 weir-submit: ERROR: unsatisfiable request: *' \
	'a property that no node has'
refused '--requires=tag:x' \
	"--requires: 'tag:x': unknown operator 'tag', must be properties, hostlist (host, hosts) or ranks (rank)" \
	'an unknown operator is refused'
refused '--requires=-(a|b)' "--requires: '-(a|b)': query: byte 2: a term has to follow '-'" \
	'a query that is wrong'
refused '--requires=' "--requires: '' is empty, must be terms such as PROPERTY, host:HOSTS, rank:RANKS" \
	'an empty one'
refused '--requires=rank:x' "--requires: 'rank:x': ranks: *" 'ranks that are none'
refused '--requires=a,,b' "--requires: 'a,,b': a property's name is empty" 'an empty name'

# ---- taskmap
# places OPTION...: the nodes of tasks 0, 1, ...
places()
{
	weir run "$@" sh -c 'echo $WEIR_TASK_RANK {{node.id}}' 2>&1 | sort -n |
		awk '{ printf "%s%s", s, $2; s = " " } END { print "" }'
}
TWO='-N2 --tasks-per-node=2'
# shellcheck disable=SC2086	# several options
{
	is "$(places $TWO)" '0 0 1 1' 'tasks go in blocks'
	is "$(places $TWO --taskmap=block)" '0 0 1 1' '--taskmap=block'
	is "$(places $TWO --taskmap=cyclic)" '0 1 0 1' 'cyclic'
	is "$(places $TWO --taskmap=cyclic:2)" '0 0 1 1' 'by twos'
	is "$(places $TWO '--taskmap=manual:[[1,1,1,1],[0,1,2,1],[1,1,1,1]]')" '1 0 0 1' \
		'manual'
	is "$(places $TWO '--taskmap=manual:1-3;0')" '1 0 0 0' 'uneven, in raw form'
}
HOST=$(weir resource list -n -s all -o '{nodelist}' 2>/dev/null)
HOST=${HOST%%[,[]*}
HOST=${HOST:-$(hostname)}
printf '# comment\n  %s,other\n\n%s\n' "$HOST" "$HOST" >"$W/hosts"
# shellcheck disable=SC2086
is "$(places $TWO --taskmap=hostfile:"$W/hosts")" '0 1 0 1' \
	'hostfile: over and over, those of one name in turn'
begins "$(part taskmap --taskmap=hostfile:"$W/hosts" true)" \
	"{\"scheme\":\"hostfile\",\"value\":\"$HOST,other,$HOST\"}" \
	'the request has the list itself'
echo other >"$W/hosts"
run weir run --taskmap=hostfile:"$W/hosts" true
like "$STATUS $ERR" "1 *type=alloc severity=0 taskmap: hostfile: host * of the job is not in the file*" \
	'a host that is missing there ends the job'
is "$(weir resource list -n -s allocated | awk '{ print $2 }')" 0 'which holds nothing'
run weir run -n2 '--taskmap=manual:0' true
like "$STATUS $ERR" "1 weir-run: ERROR: attributes.system.shell.options.taskmap.value: the map has 1 tasks, the job 2" \
	'a map of other tasks is refused'
run weir run -N2 -n2 '--taskmap=manual:0-1' true
like "$STATUS $ERR" "1 weir-run: ERROR: *: the map has 1 nodes, the job 2" 'of other nodes'
run weir run -N1 --tasks-per-node=2 '--taskmap=manual:0;1' true
like "$STATUS $ERR" "1 *type=alloc severity=0 taskmap: manual: the map has 2 tasks on 2 nodes, the job 2 on 1*" \
	'or ends the job when the nodes are known'
refused '--taskmap=round' "--taskmap: 'round' is not block, cyclic[[]:N], manual:TASKMAP or hostfile:FILE" \
	'an unknown scheme'
refused '--taskmap=block:2' "--taskmap: 'block:2' is not block, *" 'a block has no value'
refused '--taskmap=cyclic:0' "--taskmap: 'cyclic:0': '0' is no number from 1 to *" 'cyclic:0'
refused '--taskmap=manual:x' "--taskmap: 'manual:x': *" 'a map that is none'
refused '--taskmap=manual:[[]]' "--taskmap: *array of four integers*" 'an empty one'
refused "--taskmap=hostfile:$W/none" "--taskmap: 'hostfile:$W/none': $W/none: No such file or directory" \
	'no file'
printf 'a\nb[\n' >"$W/hosts"
refused "--taskmap=hostfile:$W/hosts" "--taskmap: *: line 2: *" 'a line of it that is wrong'
: >"$W/hosts"
refused "--taskmap=hostfile:$W/hosts" "--taskmap: *: $W/hosts names no host" 'no line'

# ---- files
printf 'one\n' >"$W/data.txt"
run weir run --add-file="$W/data.txt" sh -c 'cat {{tmpdir}}/data.txt; stat -c %a {{tmpdir}}/data.txt'
ran 0 'one
600' '' '--add-file: a path'
run weir run --add-file=in:755="$W/data.txt" sh -c 'cat $WEIR_JOB_TMPDIR/in; stat -c %a {{tmpdir}}/in'
ran 0 'one
755' '' 'with a name and permissions'
run weir run --add-file='a.b=x
y
' --add-file="c=$W/data.txt" cat '{{tmpdir}}/a.b' '{{tmpdir}}/c'
ran 0 'x
y
one' '' 'data, and two'
printf '\377\0\001binary' >"$W/bin"
run weir run --add-file="$W/bin" cmp '{{tmpdir}}/bin' "$W/bin"
ran 0 '' '' 'bytes that are no text'
run weir run -N3 --add-file="$W/data.txt" cat '{{tmpdir}}/data.txt'
ran 0 'one
one
one' '' 'on each node'
run weir bulksubmit --quiet --watch --add-file=in='{}
' sh -c 'cat $WEIR_JOB_TMPDIR/in' ::: p q
is "$STATUS $(echo "$OUT" | sort | xargs)" '0 p q' 'weir bulksubmit has its own each'
printf '#!/bin/sh\n#WEIR: -n1 --add-file=%s\ncat "$1"\n' "$W/data.txt" >"$W/script"
id=$(weir batch --output="$W/batch.out" "$W/script" '{{tmpdir}}/data.txt')
run weir job status "$id"
is "$STATUS $(cat "$W/batch.out")" '0 one' 'a script has it, too, and its own --output'
refused "--add-file=$W/none" "--add-file: '$W/none': No such file or directory" 'no file'
refused "--add-file=$W" "--add-file: '$W': is no regular file" 'a folder'
refused "--add-file=script=$W/bin" "--add-file: *: the name 'script' is reserved" 'a name that is taken'
refused "--add-file=.x=$W/bin" "--add-file: *: the name '.x' must be that of a file*" 'a hidden name'
refused "--add-file=x:9=$W/bin" "--add-file: *: '9' are no permissions, must be octal, 0 to 0777" \
	'permissions that are none'
refused "--add-file=$W/bin --add-file=$W/bin" "--add-file: *: there is a file 'bin' already" 'twice'
run weir submit --dry-run --add-file='x
y' true
ran 1 '' "weir-submit: ERROR: --add-file: *: data needs a name: NAME*" 'data without a name'
truncate -s 5M "$W/big"
refused "--add-file=$W/big" "--add-file: *: has 5242880 bytes, a request has at most 4194304" 'too large'

# ---- logs
run weir submit --log="$W/log" --cc=1-2 true
ran 0 '' '' '--log: nothing is shown'
is "$(weir job id --to=f58 <"$W/log" | wc -l)" 2 'ids are in the file'
run weir submit --watch --log="$W/log{cc}" --cc=1-2 sh -c 'echo out {cc}; echo err {cc} >&2; exit {cc}'
ran 2 '' '' 'one for each copy'
like "$(cat "$W/log1")" 'f*
*out 1*' 'with its output'
is "$(grep -c 'err 2\|exit code 2' "$W/log2")" 2 'and its errors'
run weir submit --quiet --watch --log="$W/log" --log-stderr="$W/err" sh -c 'echo out; echo err >&2'
ran 0 '' '' '--log-stderr'
is "$(cat "$W/log" "$W/err")" 'out
err' 'errors have a file of their own'
run weir submit --quiet --watch --log-stderr="$W/err" sh -c 'echo out; echo err >&2'
is "$STATUS $OUT $(cat "$W/err")" '0 out err' 'errors alone'
run weir bulksubmit --quiet --watch --log="$W/bulk-{}" echo {} ::: p q
is "$STATUS $(cat "$W/bulk-p" "$W/bulk-q" | xargs)" '0 p q' 'of weir bulksubmit'
run weir submit --log="$W/none/log" true
ran 1 '' "weir-submit: ERROR: --log: '$W/none/log': No such file or directory" 'no folder'
run weir run --log="$W/log" true
is "$STATUS" 2 'weir run has none'

stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
