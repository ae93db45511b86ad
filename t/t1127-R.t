#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir R: sets of resources on standard input.
. "${srcdir:-.}/t/tap.sh"

# with TEXT COMMAND...: run with that on standard input
with()
{
	printf '%s\n' "$1" >"$WORK/in"
	shift
	OUT=$("$@" <"$WORK/in" 2>"$WORK/errors")
	STATUS=$?
	ERR=$(cat "$WORK/errors")
}

enc()
{
	weir R encode "$@"
}

A=$(enc -r 0-1 -c 0-3 -H 'n[0-1]')
is "$A" '{"version":1,"execution":{"R_lite":[{"rank":"0-1","children":{"core":"0-3"}}],"nodelist":["n[0-1]"],"starttime":0,"expiration":0}}' \
	'encode'
matches "$(enc -H 'a,b' -g 0)" '"rank":"0-1","children":\{"core":"0","gpu":"0"\}' 'gpus, ranks by the hosts'
matches "$(enc)" "\"core\":\"0\".*\"nodelist\":\\[\"$(hostname)\"\\]" 'this host'
matches "$(enc -r 0-2 -p big:1-2 -p all)" '"properties":\{"all":"0-2","big":"1-2"\}' 'properties'
run weir R encode -H a,b -r 0
ran 1 '' 'weir-R: --hosts: 2 hosts for 1 ranks' 'hosts that are too many'
run weir R encode -r x
ran 1 '' "weir-R: --ranks: 'x': *" 'ranks that are none'
run weir R encode -p big:7
ran 1 '' "weir-R: --property: 'big:7': there is no rank 7" 'a property of nobody'

with "$A" weir R decode
is "$STATUS $OUT" "0 $A" 'decode: what was encoded'
with "$A" weir R decode -s
is "$OUT" 'rank[0-1]/core[0-3]' 'in short'
with "$A" weir R decode -n
is "$OUT" 'n[0-1]' 'hosts'
with "$A" weir R decode -r
is "$OUT" 0-1 'ranks'
with "$A" weir R decode -c core
is "$OUT" 8 'cores, counted'
with "$A" weir R decode -c ranks -x 1
is "$OUT" 1 'without some'
B=$(enc -r 2-3 -c 0-1 -g 0 -H 'n[2-3]' -p big:3)
with "$A
$B" weir R decode -s
is "$OUT" 'rank[0-1]/core[0-3] rank[2-3]/core[0-1],gpu0' 'of two sets'
with "$A $B" weir R decode -s -p big
is "$OUT" 'rank3/core[0-1],gpu0' 'with a property'
with "$A$B" weir R decode -r -p ^big
is "$OUT" 0-2 'without it'
with "$A$B" weir R decode -r -i 1-2,9
is "$OUT" 1-2 'some ranks'
with "$A" weir R decode -c disk
is "$STATUS $ERR" "1 weir-R: --count: 'disk' is not ranks, core or gpu" 'what is not counted'
with '{"version":1' weir R decode
like "$STATUS $ERR" '1 weir-R: Failed to read an R object: *' 'half a set'
with '{"version":2}' weir R decode
like "$STATUS $ERR" '1 weir-R: Failed to read an R object: *version*' 'another version'
with '' weir R decode
is "$STATUS $ERR" '1 weir-R: Failed to read an R object: standard input has none' 'none'

with "$A$B" weir R append
is "$STATUS $(echo "$OUT" | weir R decode -s)" \
	'0 rank[0-1]/core[0-3] rank[2-3]/core[0-1],gpu0' 'append'
with "$A$A" weir R append
is "$STATUS $ERR" \
	"1 weir-R: R objects 'rank[0-1]/core[0-3]' and 'rank[0-1]/core[0-3]' overlap" 'what overlaps'
C=$(enc -r 1 -c 2-5 -H n1)
with "$A$C" weir R diff
is "$(echo "$OUT" | weir R decode -s)" 'rank0/core[0-3] rank1/core[0-1]' 'diff'
with "$A$C" weir R intersect
is "$(echo "$OUT" | weir R decode -s)" 'rank1/core[2-3]' 'intersect'
with "$A$(enc -r 1 -c 0 -H other)" weir R intersect
is "$STATUS $ERR" '1 weir-R: cannot compare R objects: a rank has two hosts' 'ranks of two hosts'
with "$B" weir R remap
is "$(echo "$OUT" | weir R decode -r) $(echo "$OUT" | weir R decode -r -p big)" '0-1 1' \
	'remap: properties go along'
with "$A" weir R rerank n1,x,n0
is "$(echo "$OUT" | weir R decode -r) $(echo "$OUT" | weir R decode -n)" '0,2 n[1,0]' 'rerank'
with "$A" weir R rerank n1
is "$STATUS $ERR" '1 weir-R: host n0 is not in the list' 'a host that is missing'
with "$A" weir R set-property big:1 all
is "$(echo "$OUT" | weir R decode -r -p big,all)" 1 'set-property'
with "$A" weir R set-property :1
is "$STATUS $ERR" "1 weir-R: set-property: ':1': a name is missing" 'without a name'
with "$C$A" weir R verify
is "$STATUS $ERR" '1 weir-R: rank 1 (n1) lacks rank1/core[4-5]' 'verify: what is missing'
with "$A$(enc -r 0-1 -c 0-7 -H 'n[0-1]')" weir R verify
is "$STATUS $OUT$ERR" '0 ' 'there may be more'
with "$A" weir R verify
like "$STATUS $ERR" '1 weir-R: verify: 1 R objects, must be 2*' 'one alone'
run weir R
is "$STATUS" 1 'no subcommand'
done_testing
