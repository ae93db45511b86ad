#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir bulksubmit: inputs, their combinations and replacement, submission.
# weir-bulksubmit(1).
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1

# dry WHAT-IS-EXPECTED DESCRIPTION WORD...: one line a job
dry()
{
	dry_want=$1 dry_what=$2
	shift 2
	run weir bulksubmit --dry-run "$@"
	is "$OUT" "$(echo "$dry_want" | sed 's/^/bulksubmit: submit /')" "$dry_what"
}

# ---- inputs
dry 'echo a
echo b' 'a list' echo {} ::: a b
dry 'echo 3 1
echo 4 1
echo 3 2
echo 4 2' 'all combinations, the last list changes fastest' \
	echo {1} {0} ::: 1 2 ::: 3 4
dry 'echo a 1
echo b 2
echo c 1' 'a linked list, begun anew' echo {0} {1} ::: a b c :::+ 1 2
dry 'a.1.x
a.1.y
b.2.x
b.2.y' 'linked ones and others' {}.{}.{} ::: a b :::+ 1 2 ::: x y
printf 'one\ntwo words\n\nlast' >"$WORK/lines"
dry 'one
two words

last' 'lines of a file are the command' :::: "$WORK/lines"
printf 'one\ntwo words\n' | weir bulksubmit --dry-run echo {} >"$WORK/out"
is "$(cat "$WORK/out")" 'bulksubmit: submit echo one
bulksubmit: submit echo two words' 'lines of standard input'
printf 'one\ntwo words\n' | weir bulksubmit --sep=none --dry-run echo {} >"$WORK/out"
is "$(tail -n1 "$WORK/out")" 'bulksubmit: submit echo words' '--sep=none'
printf 'a::b::' | weir bulksubmit --sep=:: --dry-run >"$WORK/out"
is "$(cat "$WORK/out")" 'bulksubmit: submit a
bulksubmit: submit b' '--sep'
dry '-n1 echo x' 'a list may be in a file' -n1 echo {} :::: - <<-END
	x
END
run weir bulksubmit --dry-run echo {} :::
ran 0 '' '' 'an empty list: nothing to do'
run weir bulksubmit --dry-run --shuffle echo {} ::: 1 2 3 4 5 6 7 8 9
is "$(echo "$OUT" | sort | cksum)" \
	"$(for i in 1 2 3 4 5 6 7 8 9; do echo "bulksubmit: submit echo $i"; done | cksum)" \
	'--shuffle loses none'

# ---- replacement
dry '/a/b.c /a/b b.c b /a' 'parts of a path' \
	{} {.%} {./} {./%} {.//} ::: /a/b.c
dry '.hid .hid /x.y/z / ' 'with nothing to take off' \
	{0} {0.%} {1.%} {2.//} {0.//} ::: .hid ::: /x.y/z ::: /z
dry 'x 0 1
y 1 2' '{seq} and {seq1}' {} {seq} {seq1} ::: x y
dry '{a} {cc} {{id}}' 'doubled braces, and {cc}' {{a}} {cc} {{{{id}}}} ::: x
dry '-n4 --job-name=j4 true' 'in options too' -n{} --job-name=j{} true ::: 4
dry '--cc=0-1 echo a
--cc=0-3 echo b' 'as in --cc' --cc={1} echo {0} ::: a b :::+ 0-1 0-3
if command -v python3 >/dev/null; then
	dry 'echo 8 A
echo 16 B' '--define' --define='p=2**int(x,16)' --define 'u=chr(ord(x)+14)' \
		echo {0.p} {.u} ::: 3 4
else
	skip 1 'there is no python3'
fi

# ---- errors
run weir bulksubmit --dry-run echo {1} ::: a
ran 1 '' '*{1}: there is 1 list of inputs*' 'a list that is not there'
run weir bulksubmit --dry-run echo {.nope} ::: a
ran 1 '' '*{.nope}: no such replacement*' 'a replacement that is not there'
run weir bulksubmit --dry-run 'echo {' ::: a
ran 1 '' "*a single '{'; write '{{' to mean it*" 'a brace alone'
run weir bulksubmit --dry-run echo :::+ a
ran 1 '' '*needs one before it*' 'nothing to link to'
run weir bulksubmit --dry-run echo :::: "$WORK/none"
ran 1 '' "*$WORK/none: No such file*" 'a file that is not there'
run weir bulksubmit --dry-run echo ::::
ran 1 '' '*a file is missing*' 'no file'
run weir bulksubmit --define=x --dry-run echo ::: a
ran 1 '' '*is not NAME=CODE*' 'a definition of nothing'
run weir bulksubmit --define=x=1/0 --dry-run echo ::: a
ran 1 '' '*python3*could not evaluate it*' 'an expression that fails'
run weir bulksubmit --frobnicate echo ::: a
is "$STATUS" 2 'an unknown option'

# ---- it submits
start_instance || { ok 1 'an instance starts'; done_testing; }
run weir bulksubmit --watch -n1 echo {} {seq} ::: a b c
is "$STATUS" 0 'jobs are submitted'
is "$(echo "$OUT" | grep ' ' | sort)" 'a 0
b 1
c 2' 'and run, each with its input'
is "$(echo "$OUT" | grep -c '^f[^ ]*$')" 3 'ids are printed'
run weir bulksubmit --wait --quiet sh -c 'exit {}' ::: 0 3 1
is "$STATUS" 3 'the greatest exit code counts'
run weir bulksubmit --wait --job-name={0} --cc={1} true ::: x y :::+ 1-2 7
is "$(weir jobs -a -n -o '{name}' | grep -c '^x$'),$(weir jobs -a -n -o '{name}' | grep -c '^y$')" \
	2,1 'with copies'
run weir bulksubmit -n {} true ::: 1 x
ran 1 '' "*--ntasks: 'x' is no number*" 'one that is wrong: none is submitted'
run weir bulksubmit --wait --quiet true :::: /dev/null
is "$STATUS" 0 'none at all is fine'
run sh -c "seq 1 500 | '$builddir/cmd/weir' bulksubmit --wait --quiet -S exec.test.run_duration=1ms true {}"
is "$STATUS" 0 'many'
is "$(weir jobs --stats-only 2>&1 | sed 's/.*running, \([0-9]*\) completed.*/\1/')" \
	507 'all of them ran'
stop_instance
done_testing
