#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir pstree: jobs of instances in jobs; weir jobs: uri, -R.
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance -s2 || { ok 1 'an instance starts'; done_testing; }

run weir pstree
ran 0 . '' 'no job'
outer=$(weir alloc --bg -n1 --job-name=outer sleep 1000)
uri=$(weir uri --wait "$outer")
inner=$(WEIR_URI=$uri weir alloc --bg -n1 --job-name=inner sleep 1000)
deep=$(weir uri --wait "$outer/$inner")
WEIR_URI=$deep weir run --job-name=done true
WEIR_URI=$deep weir submit --job-name=bad --wait --quiet false
a=$(WEIR_URI=$deep weir submit --job-name=nap sleep 1000)
WEIR_URI=$deep weir job wait-event -q "$a" start
top=$(weir submit --job-name=top sleep 1000)
weir job wait-event -q "$top" start
held=$(weir submit --urgency=hold --job-name=held true)
run weir pstree
ran 0 '.
|-- outer
|   `-- inner
|       `-- nap
`-- top' '' 'jobs of instances in jobs'
run weir pstree -p -L 1
ran 0 ".
|-- $outer outer
|   \`-- $inner inner
\`-- top" '' '--parent-ids, --level'
run weir pstree -L 0
ran 0 '.
|-- outer
`-- top' '' 'not into any'
run weir pstree -C
ran 0 '.
|-outer
| `-inner
|   `-nap
`-top' '' '--compact'
unset WEIR_F58_FORCE_ASCII
export LC_ALL=C.UTF-8
run weir pstree -L 0
ran 0 '.
├── outer
└── top' '' 'finer branches'
run weir pstree --ascii -L 0
ran 0 '.
|-- outer
`-- top' '' '--ascii'
export WEIR_F58_FORCE_ASCII=1
run weir pstree --skip-root=yes -L 0
ran 0 'outer
top' '' '--skip-root'
run weir pstree "$outer"
ran 0 'outer
`-- inner
    `-- nap' '' 'one job'
run weir pstree --all
ran 0 '.
|-- outer:R
|   `-- inner:R
|       |-- done:CD
|       |-- bad:F
|       `-- nap:R
|-- top:R
`-- held:S' '' '--all'
run weir pstree --filter=failed,running
ran 0 '.
|-- outer:R
|   `-- inner:R
|       |-- bad:F
|       `-- nap:R
`-- top:R' '' '--filter'
second=$(weir submit --job-name=held --urgency=hold true)
run weir pstree --filter=pending
ran 0 '.
`-- 2*[held:S]' '' 'those of one name'
run weir pstree --filter=pending -X -o '{name}'
ran 0 '.
|-- held
`-- held' '' '--no-combine'
run weir pstree --filter=pending -c 1
ran 0 '.
`-- held:S' '' '--count'
run weir pstree -x "$outer"
matches "$OUT" '^ +JOBID USER +ST NTASKS NNODES +RUNTIME *$' 'columns have a heading'
matches "$OUT" "^ +$inner .* R +1 +1 .*s \`-- inner\$" 'and are before the tree'
run weir pstree --detail-format='{id.f58:>12}' -n "$top"
is "$STATUS $(echo "$OUT" | xargs)" "0 $top top" 'other columns'
run weir pstree -o '{id.f58}' --parent-label='{name}' -L 0
ran 0 ".
|-- outer
\`-- $top" '' 'labels'
run weir pstree 123
ran 1 '' 'weir-pstree: ERROR: JobID 123 unknown' 'an unknown job'
run weir pstree 'x!'
ran 2 '' "weir-pstree: invalid JobID value: 'x!'*" 'an id that is none'
run weir pstree -d odd
ran 2 '' "weir-pstree: --details: 'odd' is not default*" 'details that are not'
run weir pstree -L x
ran 2 '' "weir-pstree: --level: 'x' is no number from 0 on*" 'a level that is none'
run weir pstree --skip-root=perhaps
ran 2 '' "weir-pstree: --skip-root: 'perhaps' is neither yes nor no*" 'neither yes nor no'
run weir pstree -o '{nope}'
ran 1 '' 'weir-pstree: ERROR: Error in user format: Unknown format field: nope' 'a field that is none'

# ---- weir jobs
is "$(weir jobs -n -o '{uri}' "$outer" "$held")" "$uri" 'weir jobs: uri'
is "$(weir jobs -n -R -f running -o '{name}')" "top
outer

$outer:
inner

$outer/$inner:
nap" '-R: jobs of instances in jobs'
is "$(weir jobs -n -R -L 1 -f running -o '{name}')" "top
outer

$outer:
inner" '--level'
is "$(weir jobs -n -R -o '{name}' "$outer")" "outer

$outer:
inner

$outer/$inner:
nap" 'of one job'
for id in "$held" "$second" "$outer" "$top"; do
	weir cancel "$id"
done
weir queue idle --quiet --timeout=60
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
