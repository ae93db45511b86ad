#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What jobs get of the resource graph. weir-resources(5), schedd(8).
# shellcheck disable=SC2086
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
LONG='-S exec.test.run_duration=1h'

# where NAME: the ranks and cores of the newest job of that name
where()
{
	weir kvs get "$(kvs_key "$(field "$1" id)").R" |
		sed 's/.*"R_lite":\(.*\),"nodelist.*/\1/; s/[]"{}[]//g; s/children://g'
}

# ---- nodes that register
node_up 0
node_up 1 0-3
node_up 2
submit two $LONG -N2 true
wait_event start
is "$(where two)" 'rank:0,core:0-1,rank:1,core:0-3' 'whole nodes by rank'
weir cancel --all --quiet

# ---- constraints of jobs
submit here $LONG -n1 -S 'constraints={"hostlist":["n[1-2]"]}' true
wait_event start
is "$(where here)" 'rank:1,core:0' 'hosts'
submit there $LONG -n1 -S 'constraints={"not":[{"ranks":["0-1"]}]}' true
wait_event start
is "$(where there)" 'rank:2,core:0' 'ranks'
submit full $LONG -n1 -S 'constraints={"ranks":["2"]}' true
submit more $LONG -n1 -S 'constraints={"ranks":["2"]}' true
is "$(field full state) $(field more state)" '16 8' 'one that does not fit waits'
submit wide -n5 -S 'constraints={"ranks":["0","2"]}' true
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: unsatisfiable request: it does not fit on the nodes that its constraints allow' \
	'one that can never fit is refused'
submit odd -n1 -S 'constraints={"colour":["red"]}' true
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: unsatisfiable request: constraints.colour: there is no such operator' \
	'one that makes no sense, too'

# ---- a node changes while jobs are on it
node_up 2 0-3
wait_event start
is "$(where more)" 'rank:2,core:2' 'a node that has grown gets more'
kill_schedd KILL
start_schedd
is "$(weir resource list -n -s allocated,free | awk '{print $1, $3}')" \
	'allocated 4
free 6' 'a restart knows what jobs have'
weir cancel --all --quiet

done_testing
