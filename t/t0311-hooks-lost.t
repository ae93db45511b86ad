#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hooks on nodes whose execd is away: they are waited for while the node is
# there, and have failed when it is lost. What execds would write and answer is
# written by hand, or by nobody.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
node_up 1
"$weir" kvs get -W resource.R >"$WORK/out"

configure()
{
	"$weir" kvs put "config={\"job-manager\":{$1}}"
	call job-manager.ping '{}' >"$WORK/out"
}

tail_events()
{
	events "$KEY" | sed 's/.*alloc/alloc/'
}

# ---- prolog
configure '"prolog":{"per-rank":true,"command":["/bin/true"]}'
submit early -N2 true && wait_event prolog-start
call job-manager.ping '{}' >"$WORK/out"
is "$(tail_events)" 'alloc prolog-start' 'a prolog waits for execds that are away'
weir kvs unlink node.1.info
wait_event exception
like "$(weir kvs eventlog get "$KEY.eventlog")" '*type="exec" severity=0 note="lost contact with rank 1 (n1)"*' \
	'a node that is lost ends the job'
wait_event clean
is "$(tail_events)" 'alloc prolog-start exception prolog-finish release free clean' \
	'and its prolog'
node_up 1

# ---- epilog
configure '"epilog":{"per-rank":true,"command":["/bin/true"]}'
submit late -N2 true && wait_event alloc
for rank in 0 1; do
	report $rank start '{"pid":1}'
	report $rank finish '{"status":0}'
done
wait_event epilog-start
call job-manager.ping '{}' >"$WORK/out"
like "$(tail_events)" '*finish epilog-start' 'an epilog waits for execds that are away'
kill_schedd KILL
weir kvs unlink node.0.info
start_schedd
is "$(call job-manager.ping '{}')$(field late state)" '{}32' 'also after a restart'
weir kvs unlink node.1.info
wait_event clean
like "$(weir kvs eventlog get "$KEY.eventlog")" \
	'*type="epilog" severity=1 note="epilog of job *contact with the node was lost*; and on 1 other"*free*clean*' \
	'it has failed on those that are lost, before and after'
is "$(field late result)" 1 'the job has its result'
node_up 0
node_up 1
matches "$(weir resource drain -no "{state} {reason} {nodelist}")" 'drained +epilog of job .* rank 0 \(n0\): contact with the node was lost; .* n0$' \
	'and they are drained when they come again'

# ---- the hook is not configured any more
weir resource undrain 0-1
submit gone -N1 true && wait_event alloc
report 0 start '{"pid":1}'
report 0 finish '{"status":0}'
wait_event epilog-start
kill_schedd KILL
weir kvs put 'config={}'
start_schedd
wait_event clean
like "$(tail_events)" '*epilog-finish release free clean' 'a restart without it ends it'
is "$(weir resource drain -no "{state} {reason} {nodelist}")" '' 'and drains nothing'
done_testing
