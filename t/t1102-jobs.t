#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir jobs and weir cancel: tables, formats, filters, selections.
# weir-jobs(1), weir-cancel(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }
user=$(id -un)

run weir jobs
is "$OUT" '       JOBID USER     NAME       ST NTASKS NNODES     TIME INFO' \
	'no job: the heading alone'
run weir jobs --stats-only
ran 1 '0 running, 0 completed, 0 failed, 0 pending, 0 inactive purged' '' \
	'--stats-only when nothing is active'

# one after the other: ended ones are listed by their end
completed=$(weir submit --job-name=demo hostname)
weir job wait-event -q "$completed" clean
failed=$(weir submit sh -c 'exit 3')
weir job wait-event -q "$failed" clean
timeout=$(weir submit -t 1s sleep 100)
weir job wait-event -q "$timeout" clean
running=$(weir submit --job-name=averylongname sleep 100)
weir job wait-event -q "$running" start
held=$(weir submit --urgency=hold true)
pending=$(weir submit -N1 -x -t 1h true)

# ---- the table ----

# In a row the time varies.
table()
{
	run weir jobs "$@"
	OUT=$(echo "$OUT" | sed -E 's/ +[0-9.]+(s|m) / TIME /')
}
row()
{
	printf '%12s %-8s %s' "$1" "$user" "$2"
}
table
is "$OUT" "       JOBID USER     NAME       ST NTASKS NNODES     TIME INFO
$(row "$pending" 'true        S      1      1       1h ')
$(row "$held" 'true        S      1      -        - held')
$(row "$running" "averylong+  R      1      1 TIME $(hostname)")" \
	'the default: active jobs'
table -an
is "$OUT" "$(row "$pending" 'true        S      1      1       1h ')
$(row "$held" 'true        S      1      -        - held')
$(row "$running" "averylong+  R      1      1 TIME $(hostname)")
$(row "$timeout" "sleep      TO      1      1 TIME $(hostname)")
$(row "$failed" "sh          F      1      1 TIME $(hostname)")
$(row "$completed" "demo       CD      1      1 TIME $(hostname)")" \
	'-a: all; -n: no heading'
run weir jobs -A -u all -no '{name}' "$failed"
ran 0 sh '' 'one by its id'
run weir jobs -n 12345 "$failed"
is "$STATUS $ERR" '1 JobID 12345 unknown' 'an unknown id'
run weir jobs 'bogus!'
ran 2 '' "weir-jobs: ERROR: invalid JobID value: 'bogus!'" 'no id'
run weir jobs -nc 1 -o '{name}'
is "$(echo "$OUT" | wc -l)" 1 '--count'
run weir jobs -c 1 -o '{name}'
like "$ERR" 'warning: output truncated at 1 jobs.*' 'and its warning'
run weir jobs -c 3 -o '{name}'
is "$ERR" '' 'none when there are no more'
for filter in pending:2 running:1 active:3 sched:2 inactive:3 completed:1 \
	failed:1 timeout:1 canceled:0 running,failed:2 failed,timeout:2; do
	run weir jobs -n -f "${filter%:*}" -o '{id}'
	is "$(echo "$OUT" | grep -c f)" "${filter#*:}" "filter ${filter%:*}"
done
run weir jobs -f bogus
ran 1 '' 'weir-jobs: ERROR: Invalid filter specified: bogus' 'no filter'
run weir jobs -a -f failed -no '{name}'
ran 0 sh 'weir-jobs: WARNING: Both -a and --filter specified, ignoring -a' \
	'-a and --filter'
run weir jobs -n -f failed -o '{name}' "$completed"
ran 0 demo '*WARNING: Filtering options ignored with jobid list' \
	'--filter and ids'
run weir jobs -an --name=demo -o '{id}'
ran 0 "$completed" '' '--name'
run weir jobs -n --since=-1h -o '{name}' -f inactive
is "$(echo "$OUT" | wc -l)" 3 '--since, a span'
run weir jobs -n "--since=$(date +%Y-%m-%d)" -f inactive -o '{name}'
is "$STATUS" 0 '--since, a date'
run weir jobs --since=2099-01-01
ran 1 '' "weir-jobs: ERROR: --since: '2099-01-01' is in the future" 'the future'
run weir jobs --since=soon
like "$ERR" "*--since: 'soon' is neither*" 'no time'
run weir jobs -u nosuchuser
ran 1 '' 'weir-jobs: ERROR: unknown user nosuchuser' 'no user'
run weir jobs -an --sort=name,-id -o '{name}'
ran 0 'averylongname
demo
sh
sleep
true
true' '' '--sort'
run weir jobs -an -o 'sort:-name {name}'
like "$OUT" 'true
true
sleep*' 'the order in the format'
run weir jobs --sort=bogus
ran 1 '' 'weir-jobs: ERROR: Invalid sort key: bogus' 'no key'
run weir jobs --stats -n
like "$OUT" '1 running, 1 completed, 2 failed, 2 pending, 0 inactive purged*' '--stats'
run weir jobs --nope
ran 2 '' "weir-jobs: unrecognized option '--nope'*" 'an unknown option'
run weir jobs --color=always -nf failed -o '{name}'
is "$OUT" "$(printf '\033[01;31msh\n\033[0;0m')" '--color'
run weir jobs --color=blue
[ "$STATUS" -eq 2 ]
ok $? 'no such time for color'

# ---- formats ----

run weir jobs -an -o '{id.f58} {name} {state} {result} {returncode} {duration!F} {ranks}'
is "$OUT" "$pending true SCHED   1h 
$held true SCHED   0s 
$running averylongname RUN   0s 0
$timeout sleep INACTIVE TIMEOUT -14 1s 0
$failed sh INACTIVE FAILED 3 0s 0
$completed demo INACTIVE COMPLETED 0 0s 0" 'fields'
one()
{
	is "$(weir jobs -no "$1" "$2")" "$3" "$1"
}
one '{name:>8}|{name:<8}|{name:^8}|{name:*>6}' "$failed" '      sh|sh      |   sh   |****sh'
one '{name:.3}|{name:.5+}|{ntasks:04}|{{}}' "$running" 'ave|aver+|0001|{}'
one '{nnodes:>3h}|{t_run!D:h}|{queue:h}|{t_cleanup:h}' "$held" '  -|-|-|-'
one '{waitstatus}|{success}|{status}|{status_abbrev}|{exception.occurred}' "$failed" '768|False|FAILED|F|False'
one '{exception.type}|{exception.severity}|{exception.note}' "$timeout" 'timeout|0|resource allocation expired'
one '{inactive_reason}' "$timeout" 'Timeout'
one '{inactive_reason}' "$failed" 'Exit 3'
matches "$(weir jobs -no '{runtime!H}|{runtime:.3f}' "$timeout")" \
	'^0:00:[0-9]{2}\|[0-9]+\.[0-9]{3}$' 'times'
one '{annotations.sched.resource_summary}|{sched.resource_summary}|{user}' "$completed" 'rank0/core0|rank0/core0|'
one '{id.dec}' "$completed" "$(weir job id "$completed")"
one '{id.kvs}' "$completed" "$(weir job id --to=kvs "$completed")"
is "$(weir jobs -no '{t_submit!d:%Y::>6}|' "$completed")" "  $(date +%Y)|" '!d: a date of its own form'
matches "$(weir jobs -no '{t_submit!D}' "$completed")" '^[0-9]{4}-[0-9-]{5}T[0-9:]{8}$' '!D'
run weir jobs -a -o '{id} ?:{queue:<8} +:{name:<4}|'
is "$(echo "$OUT" | head -1)" 'JOBID NAME         |' '?: drops, +: widens'
run weir jobs -o '{nosuch}'
ran 1 '' 'weir-jobs: ERROR: Error in user format: Unknown format field: nosuch' 'an unknown field'
for wrong in '{name' '{name:zz}' '{name!q}' '{name}}' '{name:99999}'; do
	run weir jobs -o "$wrong"
	ran 1 '' 'weir-jobs: ERROR: Error in user format: *' "$wrong"
done
run weir jobs -o nosuch
ran 1 '' 'weir-jobs: ERROR: --format: No such format nosuch' 'an unknown format'
run weir jobs -o help
like "$OUT" '*default*cute*long*deps*endreason*' '-o help'
for name in cute long deps endreason; do
	run weir jobs -a -o $name
	is "$STATUS $(echo "$OUT" | wc -l)" '0 7' "-o $name"
done
run env WEIR_JOBS_FORMAT_DEFAULT='{name}' "$builddir/cmd/weir" jobs -nf failed
ran 0 sh '' 'the default from the environment'

is "$(WEIR_F58_FORCE_ASCII='' LC_ALL=C.UTF-8 weir jobs -no '{id}' "$failed")" \
	"$failed" 'the variable counts, whatever it holds'
unset WEIR_F58_FORCE_ASCII
is "$(LC_ALL=C.UTF-8 weir jobs -no '{id:>12}|' "$failed")" \
	"$(printf '%12s|' "$failed" | sed 's/f/ƒ/')" \
	'ids in UTF-8, aligned by characters'
is "$(LC_ALL=C weir jobs -no '{id}' "$failed")" "$failed" 'and in plain ASCII'
export WEIR_F58_FORCE_ASCII=1
run env WEIR_URI="local://$WORK/nowhere" "$builddir/cmd/weir" jobs
ran 1 '' 'weir-jobs: unable to connect to the instance: *' 'no instance'

# ---- JSON ----

run weir jobs --json "$failed"
like "$OUT" '{"id": *"state": "INACTIVE",*"result": "FAILED",*"exception": {"occurred": false}*"returncode": 3,*"jobid": "\\u0192*"}' '--json of one'
run weir jobs --json -f pending
like "$OUT" '{"jobs": \[{"id": *}, {"id": *}\]}' 'of several'

# ---- cancel ----

run weir cancel
[ "$STATUS" -eq 2 ]
ok $? 'cancel needs ids or a selection'
run weir cancel --all "$held"
[ "$STATUS" -eq 2 ]
ok $? 'not both'
run weir cancel 'bogus!'
ran 2 '' "*argument JOBID...: invalid JobID value: 'bogus!'*" 'no id'
run weir cancel 12345
ran 1 '' 'weir-cancel: ERROR: f4fr: unknown job id' 'no job'
run weir cancel "$failed"
ran 1 '' "weir-cancel: ERROR: $failed: job is inactive" 'an ended job'
run weir cancel -q "$failed"
ran 1 '' '' '--quiet'
run weir cancel --states=bogus
[ "$STATUS" -eq 2 ]
ok $? 'no such state'
run weir cancel -n --all
ran 0 '' 'weir-cancel: Would cancel 3 jobs' '--dry-run'
run weir cancel -S pending -m 'not today'
ran 0 '' 'weir-cancel: Canceled 2 jobs (0 errors)' '--states'
one '{result}|{returncode}|{inactive_reason}' "$held" 'CANCELED|-128|Canceled: not today'
run weir cancel "$running"
ran 0 '' '' 'by id'
run weir job status "$running"
is "$STATUS" 143 'it is terminated'
run weir cancel --all
ran 0 '' 'weir-cancel: Matched 0 jobs' 'none is left'

stop_instance
done_testing
