#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Listings by pages: of many jobs, waiting and ended, each comes once and in
# order, whatever the page's size. weir-jobs(7), job-list; weir-jobs(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }
weir bench jobs --sim -n3000 >"$WORK/bench" 2>&1
ok $? '3,000 jobs end' || cat "$WORK/bench"
weir submit --cc=1-1200 --urgency=hold --job-name=held true >"$WORK/held"
ok $? '1,200 jobs wait'
running=$(weir submit --job-name=running sleep 1000)
weir job wait-event -q "$running" start

# ---- in one command, which asks for several pages

# distinct FILE: how many different lines, and how many
distinct()
{
	echo "$(sort -u "$1" | wc -l) $(wc -l <"$1")"
}
run weir jobs -a -c0 --json
is "$(echo "$OUT" | grep -o '"jobid"' | wc -l)" 4201 '--json gives all'
weir jobs -a -c0 -no '{id}' >"$WORK/all"
is "$(distinct "$WORK/all")" '4201 4201' 'a table as it comes: each once'
weir jobs -a -c0 -n >"$WORK/table"
is "$(distinct "$WORK/table")" '4201 4201' 'one that waits for its columns'
sed 's/ *\([^ ]*\).*/\1/' "$WORK/table" >"$WORK/ids"
cmp "$WORK/ids" "$WORK/all"
ok $? 'both in the same order'
is "$(sed -n 1,1200p "$WORK/all" | cmp - "$WORK/held" && echo same)" same \
	'those that wait by their priority and age'
is "$(sed -n 1201p "$WORK/all")" "$running" 'then what runs'
weir jobs -f inactive -c0 -no '{t_inactive:.6f}' >"$WORK/times"
sort -rn "$WORK/times" | cmp - "$WORK/times"
ok $? 'then what has ended, the newest first'
weir jobs -f inactive -c0 -no '{id}' --sort=id.dec >"$WORK/sorted"
is "$(distinct "$WORK/sorted")" '3000 3000' 'sorted'
run weir jobs -a -c4000 -no '{id}'
is "$(echo "$OUT" | wc -l) $ERR" '4000 ' '--count above a page'
run weir jobs -a -c4000 -o '{id}'
is "$(echo "$OUT" | wc -l)" 4001 'and a heading'
like "$ERR" 'warning: output truncated at 4000 jobs.*' 'and its warning'
run weir jobs -a -c4201 -o '{id}'
is "$ERR" '' 'none when those are all'

# ---- filters

for filter in pending:1200 running:1 completed:3000 failed:0 \
	running,completed:3001 running,failed:1 inactive:3000; do
	run weir jobs -c0 -f "${filter%:*}" -no '{id}'
	is "$(echo "$OUT" | grep -c f)" "${filter#*:}" "filter ${filter%:*}"
done
run weir jobs -a -c0 --name=running -no '{id}'
ran 0 "$running" '' 'a name'
run weir jobs -a -c0 --name=nosuch -no '{id}'
ran 0 '' '' 'a name that no job has'
run weir jobs -a -c0 -q nosuch,none -no '{id}'
ran 0 '' '' 'queues that no job is in'
run weir jobs -c0 --since=-1h -f completed -no '{id}'
is "$(echo "$OUT" | wc -l)" 3000 'since'
run weir jobs -c0 --since=-0.000001s -f completed -no '{id}'
ran 0 '' '' 'since then none'

# ---- page by page

# walk N: the ids of all jobs by pages of N, and in $WORK/pages how many
walk()
{
	walk_after= walk_pages=0
	while :; do
		reply=$(call job-list.list "{\"max_entries\":$1$walk_after}")
		walk_pages=$((walk_pages + 1))
		echo "$reply" | grep -o '"id":[0-9]*' | cut -d: -f2
		more=$(echo "$reply" | sed -n 's/.*"more":\(\[.*\]\)}$/\1/p')
		[ "$more" ] || break
		walk_after=",\"after\":$more"
	done
	echo $walk_pages >"$WORK/pages"
}
weir jobs -a -c0 -no '{id.dec}' >"$WORK/all"
walk 97 >"$WORK/walked"
cmp "$WORK/walked" "$WORK/all"
ok $? 'pages of 97 make up the whole'
is "$(cat "$WORK/pages")" 44 'of so many pages'
walk 4201 >"$WORK/walked"
is "$(cat "$WORK/pages") $(distinct "$WORK/walked")" '1 4201 4201' \
	'a page that holds all is the last'
reply=$(call job-list.list '{"max_entries":0,"attrs":["all"]}')
matches "$reply" '"more":\[[^]]*\]\}$' 'a page is bounded, though not by us'
first=$(call job-list.list '{"max_entries":1,"states":64}')
more=$(echo "$first" | sed 's/.*"more":\(\[.*\]\)}$/\1/')
weir job purge -f --num-limit=0 >"$WORK/purge" 2>&1
ok $? 'all that ended is purged'
is "$(call job-list.list "{\"states\":64,\"after\":$more}")" '{"jobs":[]}' \
	'a page behind one that has gone'

# ---- what is no place

for wrong in 7 '[]' '[1,2]' '[1,2,3,4]' '[0,1.0,2]' '[4,1.0,2]' \
	'["1",1.0,2]' '[3,null,2]' '{"a":1}'; do
	matches "$(call job-list.list "{\"after\":$wrong}" 2>&1)" \
		'EINVAL.*after: must be "more" of an answer' "after: $wrong"
done
is "$(call job-list.list '{"states":16,"attrs":["name"],"after":[1,-1e300,0]}' |
	sed 's/"id":[0-9]*/ID/')" '{"jobs":[{ID,"name":"running"}]}' \
	'a place where no job is'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
