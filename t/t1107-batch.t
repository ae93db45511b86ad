#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir batch and weir alloc: instances of their own for scripts and commands,
# directives. weir-batch(1), weir-alloc(1).
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
W=$builddir/cmd/weir
export W
cd "$WORK" || exit 1

# script TEXT...: the file $WORK/script, a line each
script()
{
	printf '%s\n' "$@" >script
}

# dry ARGUMENT...: the jobspec, sorted, without the environment
dry()
{
	run weir batch --dry-run --env=-'*' "$@"
}

# ---- the request
script '#!/bin/sh' true
dry -n3 -c2 script a b
matches "$OUT" '"command": ?\["/.*/weir", ?"start", ?"\{\{tmpdir\}\}/script", ?"a", ?"b"\]' \
	'the command is an instance with the script in it'
matches "$OUT" '"files": ?\{"script": ?\{"mode": ?33216, ?"data": ?"#!/bin/sh\\ntrue\\n", ?"encoding": ?"utf-8"' \
	'which the job brings along'
matches "$OUT" '"per-resource": ?\{"type": ?"node"\}' 'one task a node'
matches "$OUT" '"name": ?"script"' 'named as the script'
dry -n1 --wrap echo one '$two'
matches "$OUT" '"data": ?"#!/bin/sh\\necho one \$two\\n"' '--wrap'
echo 'echo in' | weir batch --dry-run -n1 --wrap >out
matches "$(cat out)" '"data": ?"#!/bin/sh\\necho in\\n' '--wrap of standard input'
weir batch --dry-run -n1 --broker-opts=-v <script >out
matches "$(cat out)" '"start", ?"-v", ?"\{\{tmpdir\}\}/script"\]' 'a script on standard input, --broker-opts'
dry script
ran 1 '' 'weir-batch: ERROR: Number of slots to allocate must be specified' 'a size is needed'
dry -n1 nosuch.sh
ran 1 '' "weir-batch: ERROR: No such file or directory: 'nosuch.sh'" 'so is a script'
echo hello >plain
dry -n1 plain
ran 1 '' "weir-batch: ERROR: plain does not appear to start with '#!'" 'and that it says what it is'
dry -N3 -n2 script
ran 1 '' '*node count must not be greater than slot count' 'sizes are checked'
dry -n1 --ntasks=2 script
is "$STATUS" 2 'it has slots, not tasks'

# ---- directives
script '#!/bin/sh' '' '# weir: -n2 -t 1h # minutes' "# weir: --job-name='a b' --setattr=user.x=\"y \\\"z\\\"\"" '' 'true' '# not weir'
dry script
matches "$OUT" '"duration": ?3600' 'directives are options'
matches "$OUT" '"name": ?"a b"' 'quoted by apostrophes'
matches "$OUT" '"x": ?"y \\"z\\""' 'and by quotes'
dry -t 5m script
matches "$OUT" '"duration": ?300' 'the command line has the last word'
script '#!/usr/bin/env python3' '#FLUX: -N2' '#FLUX: --setattr=user.t="""' '#FLUX: one' '#FLUX: two"""' 'pass'
dry script
matches "$OUT" '"t": ?" one\\n two"' 'a value of several lines, and the tag that others use'
script '#!/bin/sh' '# weir: -n1' true '# weir: -t1'
dry script
ran 1 '' '*script: line 4: a directive after others have ended' 'they stand together'
script '#!/bin/sh' '# weir: -n1' '## weir: -t1'
dry script
ran 1 '' "*script: line 3: '## weir:' is not '# weir:'*" 'and begin alike'
script '#!/bin/sh' "# weir: --job-name='x"
dry script
ran 1 '' "*script: a directive's ' has no end" 'a quote has an end'
script '#!/bin/sh' '# weir: -n1 stray'
dry script
ran 1 '' "*script: a directive has 'stray', which is no option" 'a word that is no option'
script '#!/bin/sh' '# weir: --frobnicate'
dry script
is "$STATUS" 2 'an unknown option'

# ---- they run
start_instance -s 2 || { ok 1 'an instance starts'; done_testing; }
script '#!/bin/sh' '# weir: -N2' 'echo $0 $1 >result' '"$W" run -N2 -n2 sh -c "echo \$WEIR_TASK_RANK" | sort | xargs >>result' 'exit 4'
id=$(weir batch script arg)
run weir job wait-event -q -t 60 "$id" clean
is "$STATUS" 0 'a script runs'
matches "$(head -n1 result)" '/script arg$' 'with its arguments'
is "$(tail -n1 result)" '0 1' 'and runs jobs on its nodes'
run weir job status "$id"
is "$STATUS" 4 'its exit code is the job'"'"'s'
run weir alloc -n1 "$W" getattr level
ran 0 1 '' 'weir alloc runs a command in an instance'
run weir alloc -N2 sh -c '"$W" getattr size; exit 5'
ran 5 2 '*exit code 5' 'and gives its exit code'
run sh -c 'echo hello | "$W" alloc -n1 cat'
ran 0 hello '' 'it has standard input'
run weir alloc -v -n1 true
matches "$ERR" '^jobid: f' '-v'
run weir alloc true
ran 1 '' '*Number of slots to allocate must be specified' 'a size is needed, too'
id=$(weir alloc -n1 --bg)
ok $? '--bg returns when the instance is ready'
matches "$(weir job eventlog "$id")" ' memo uri=' 'and can be found'
uri=$(weir job eventlog "$id" | sed -n 's/.* memo uri="\(.*\)"/\1/p')
is "$(WEIR_URI=$uri "$W" getattr level)" 1 'it is there'
weir cancel "$id"
weir job wait-event -q -t 60 "$id" clean
ok $? 'until it is canceled'
stop_instance
done_testing
