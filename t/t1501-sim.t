#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir sim: traces of both formats, each queue policy on a trace that can be
# followed by hand, drawings, what is wrong. weir-sim(1), weir-trace(5).
. "${srcdir:-.}/t/tap.sh"

cd "$WORK" || exit 1
cat >four.yaml <<'END'
version: 1
resources:
- type: cluster
  with:
  - {type: node, count: 4, with: [{type: core, count: 2}]}
END
cat >rack.yaml <<'END'
version: 1
resources:
- type: cluster
  with:
  - type: rack
    count: 4
    with:
    - {type: node, count: 8, with: [{type: core, count: 8}]}
END
# swf SUBMIT RUN PROCESSORS LIMIT: a line
swf()
{
	echo "1 $1 -1 $2 $3 -1 -1 $3 $4 -1 1 -1 -1 -1 -1 -1 -1 -1"
}
# Four nodes. The second has to wait for the first; the third is short enough
# to go before it, the fourth is not; the fifth can never run.
{
	echo '; Version: 2.2'
	echo
	swf 0 100 3 100
	swf 1 50 4 50
	swf 2 99 1 98
	swf 3 200 1 300
	swf 4 10 9 10
} >five.swf
sim='weir sim -T node --verify'

# waits POLICY: what the run printed of waits and jobs
waits()
{
	$sim -L four.yaml -Q "$1" --json five.swf >out 2>err || cat err
	sed 's/,"waited":\([0-9]*\).*"wait":{"mean":\([0-9.]*\).*"max":\([0-9.]*\)},"slowdown.*"makespan":\([0-9]*\).*/ waited \1 mean \2 max \3 in \4/' out
}
# 100 s, then 50 s, then both of one node
is "$(waits fcfs)" \
	'{"policies":"fcfs/first","jobs":4,"never":1 waited 3 mean 98.5 max 148.0 in 350' \
	'fcfs: one after the other'
is "$(waits easy)" \
	'{"policies":"easy/first","jobs":4,"never":1 waited 2 mean 61.5 max 147.0 in 350' \
	'easy: the third goes before the second'
is "$(waits conservative)" \
	'{"policies":"conservative/first","jobs":4,"never":1 waited 2 mean 61.5 max 147.0 in 350' \
	'conservative: likewise, here'
is "$(waits hybrid:2)" \
	'{"policies":"hybrid:2/first","jobs":4,"never":1 waited 2 mean 61.5 max 147.0 in 350' \
	'hybrid: likewise'
run $sim -L four.yaml -D 1 --json five.swf
matches "$OUT" '"waited":3' 'a depth of one: none goes before another'
matches "$OUT" '"promised":2' 'but the first is always told when it starts'

cat >list.yaml <<'END'
version: 1
jobs:
- submit: 10
  run: 30
  count: 3
  every: 5
  jobspec: &no {}
END
run $sim -L four.yaml list.yaml
ran 1 '' 'weir-sim: list.yaml: *line 7, column 12: anchors*' 'YAML that is refused'
cat >list.yaml <<'END'
version: 1
jobs:
- submit: 10
  run: 30
  count: 3
  every: 5
  jobspec:
    version: 1
    resources: [{type: node, count: 3}]
    tasks: []
    attributes: {system: {duration: 40}}
- submit: 12
  priority: 20
  jobspec:
    version: 1
    resources: [{type: node, count: 4, exclusive: true}]
    tasks: []
    attributes: {system: {duration: 7}}
END
$sim -L four.yaml -Q fcfs list.yaml >out 2>err
is "$(awk '{ print $1, $2, $3, $4, $7, $NF }' out)" \
	'POLICIES JOBS NEVER WAIT MAX MAKESPAN
fcfs/first 4 0 21.8 32 67' \
	'jobspecs: the one of high priority goes first, the others at once after it'

# ---- a larger one ----

weir sim -L rack.yaml --generate=2000 --seed=7 >jobs.swf
is "$(grep -vc '^;' jobs.swf)" 2000 'a trace is made'
weir sim -L rack.yaml --generate=2000 --seed=7 >again.swf
ok "$(cmp -s jobs.swf again.swf; echo $?)" 'the same seed, the same trace'
weir sim -L rack.yaml --generate=2000 --seed=8 | cmp -s - jobs.swf
is $? 1 'another seed, another trace'
weir sim -L rack.yaml --verify --html=jobs.html --svg=jobs.svg \
	-c fcfs,easy,easy/low,hybrid:4,conservative jobs.swf >out 2>err
ok $? 'every policy is verified' || diag "$(cat err)"
is "$(awk '{ print $1, $2, $3 }' out)" 'POLICIES JOBS NEVER
fcfs/first 2000 0
easy/first 2000 0
easy/low 2000 0
hybrid:4/first 2000 0
conservative/first 2000 0' 'a row each'
is "$(awk '$1 == "fcfs/first" { f = $4 } $1 == "easy/first" { e = $4 }
	END { print (e < f) }' out)" 1 'jobs wait less under easy than under fcfs'
weir sim -L rack.yaml --verify --html=again.html \
	-c fcfs,easy,easy/low,hybrid:4,conservative - <jobs.swf >again
ok "$(cmp -s out again && cmp -s jobs.html again.html; echo $?)" \
	'the same again, drawings too'
is "$(grep -c '<g transform' jobs.svg)" 5 'five runs are drawn'
is "$(grep -c 'class="used"' jobs.html)" 5 'in the page as well'
matches "$(cat jobs.svg)" '<title>job 2000: [0-9]+ to [0-9]+</title>' \
	'jobs can be told from each other'
matches "$(cat jobs.html)" 'easy/low' 'the page has the table'
if command -v python3 >/dev/null; then
	python3 -c 'import sys, xml.dom.minidom as d; d.parse("jobs.svg")' 2>err
	ok $? 'it is well-formed' || diag "$(cat err)"
else
	skip 'it is well-formed' 'there is no python3'
fi
{
	weir sim -L rack.yaml --generate=7000 --seed=7
} | weir sim -L rack.yaml --svg=grid.svg - >out 2>err
matches "$(cat grid.svg)" 'fill-opacity' 'of very many there is a grid'

# ---- what is wrong ----

echo '1 0 -1 100 4' >short
run weir sim -L four.yaml short
ran 1 '' 'weir-sim: short: line 1: field 6 is not a number from -1 to 1e10' 'too few fields'
{ swf 0 1 1 1; swf 0 1 1 99999999999; } >large
run weir sim -L four.yaml large
ran 1 '' 'weir-sim: large: line 2: field 9 is not a number from -1 to 1e10' 'a number out of range'
echo "$(swf 0 1 1 1) 7" >long
run weir sim -L four.yaml long
ran 1 '' 'weir-sim: long: line 1: it has more than 18 fields' 'too many'
echo "$(swf -1 1 1 1)" >unknown
run weir sim -L four.yaml unknown
matches "$ERR" 'unknown: 1 jobs that did not run, or of no known size, are left out' \
	'it is told what is left out'
echo 'jobs: 3' >bad
run weir sim -L four.yaml bad
ran 1 '' 'weir-sim: bad: version: must be 1' 'a list without a version'
echo '{version: 1, jobs: [{jobspec: {}, wait: 3}]}' >bad
run weir sim -L four.yaml bad
ran 1 '' "weir-sim: bad: jobs?0?: 'wait' is unknown" 'an unknown key'
echo '{version: 1, jobs: [{jobspec: {}, run: 1.5}]}' >bad
run weir sim -L four.yaml bad
ran 1 '' 'weir-sim: bad: jobs?0?.run: must be an integer from 0 to 10000000000' 'a fraction'
spec='jobspec: {version: 1, resources: [{type: node, count: 1}], tasks: []}'
echo "{version: 1, jobs: [{$spec}]}" >bad
run weir sim -L four.yaml bad
ran 1 '' 'weir-sim: bad: job 1: it would never end: it has neither run nor duration' 'a job without an end'
echo "{version: 1, jobs: [{jobspec: {version: 1}}]}" >bad
run weir sim -L four.yaml bad
matches "$STATUS $ERR" '^1 weir-sim: bad: job 1: resources' 'so are jobspecs'
echo "{version: 1, jobs: [{run: 5, $spec}]}" >endless
run weir sim -L four.yaml --json endless
matches "$STATUS $OUT" '^0 .*"makespan":5' 'one that has a run needs no duration'
run weir sim -L four.yaml -Q best five.swf
matches "$STATUS $ERR" "^1 weir-sim: there is no queue policy 'best'" \
	'an unknown queue policy'
run weir sim -L four.yaml -c easy,easy/best five.swf
matches "$STATUS $ERR" "^1 weir-sim: .*best" 'an unknown match policy'
run weir sim -L four.yaml -T gpu five.swf
ran 1 '' "weir-sim: the graph has no 'gpu'" 'an unknown type'
run weir sim five.swf
matches "$STATUS $ERR" '^1 weir-sim: which graph' 'no graph'
run weir sim -L four.yaml
matches "$STATUS $ERR" '^1 weir-sim: which trace' 'no trace'
run weir sim -L four.yaml --svg=none/there five.swf
matches "$STATUS $ERR" '^1 weir-sim: none/there: ' 'a file that can not be'

done_testing
