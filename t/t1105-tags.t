#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a job brings along and learns where it runs: {{tags}}, files.
# weir-submit(1), weir-jobspec(5).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }

# ---- tags
run weir run -n2 --job-name=nim --label-io echo '{{name}} {{size}} {{nnodes}} {{node.id}} {{node.broker_rank}} {{taskid}} {{task.localid}}'
is "$(echo "$OUT" | sort)" '0: nim 2 1 0 0 0 0
1: nim 2 1 0 0 1 1' 'a command has tags, each task its own'
run weir run sh -c 'echo $0 $1 $2 $3; echo $WEIR_JOB_ID' '{{id}}' '{{id.dec}}' '{{jobid.dothex}}' '{{id.hex}}'
set -- $OUT
is "$2 $3 $4" "$(weir job id --to=dec "$5") $(weir job id --to=dothex "$5") $(weir job id --to=hex "$5")" \
	'forms of the id'
is "$(weir job id --to=f58plain "$1")" "$(weir job id --to=f58plain "$5")" 'the usual one is F58'
run weir run -c1 --env='W={{task.rank}}-{{node.ncores}}-{{nope}}' sh -c 'echo $W; test "{{tmpdir}}" = $WEIR_JOB_TMPDIR'
ran 0 '0-1-{{nope}}' '' 'so has the environment; an unknown one stays'
run weir run -n2 --label-io --env='T={{task.id}}' sh -c 'echo $T'
is "$(echo "$OUT" | sort)" '0: 0
1: 1' 'where each task has its own, too'
run weir run echo '{{' '}}{{' '{{id'
ran 0 '{{ }}{{ {{id' '' 'halves are left alone'
run weir run '{{tmpdir}}/none'
like "$STATUS $ERR" '127 *start failed: /*/none: No such file*' 'messages show what it came to'

# ---- files
# with FILES COMMAND...: runs COMMAND with these files
with()
{
	printf %s "$1" >"$WORK/files"
	shift
	run weir run --setattr="^files=$WORK/files" "$@"
}
with '{"script":{"mode":448,"data":"#!/bin/sh\necho it runs $1\n","encoding":"utf-8"}}' '{{tmpdir}}/script' well
ran 0 'it runs well' '' 'a file is there, and may be run'
with '{"b":{"mode":420,"data":"AAEC/w==","encoding":"base64"}}' sh -c 'od -An -tx1 {{tmpdir}}/b; stat -c %a {{tmpdir}}/b'
ran 0 ' 00 01 02 ff
644' '' 'bytes, in base64'
with '{"conf.json":{"data":{"a":[1,2]}}}' sh -c 'cat {{tmpdir}}/conf.json; stat -c %a {{tmpdir}}/conf.json'
ran 0 '{"a": [1, 2]}600' '' 'anything else, as JSON'
for bad in '{"../x":{"data":"1","encoding":"utf-8"}}' '{"":{"data":"1","encoding":"utf-8"}}' \
	'{"a":{"encoding":"utf-8"}}' '{"a":{"data":"?","encoding":"base64"}}' \
	'{"a":{"data":"1","encoding":"rot13"}}' '{"a":7}' \
	'{"a":{"mode":"r","data":"1","encoding":"utf-8"}}'; do
	with "$bad" true
	like "$STATUS $ERR" "1 *cannot write the job's file*" "refused: $bad"
done
with '[]' true
like "$STATUS $ERR" '1 *attributes.system.files: must be an object*' 'files are an object'
stop_instance
done_testing
