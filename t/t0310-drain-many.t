#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A hook that has failed on very many nodes drains them all in one step.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

NODES=2000
export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1
start_kvsd && export WEIR_URI="local://$SOCKET" ||
	{ ok 1 'kvsd starts'; done_testing; }
cat >"$WORK/graph.yaml" <<END
version: 1
resources:
- type: cluster
  with:
  - type: node
    count: $NODES
    with:
    - {type: core, count: 2}
END
weir kvs put -r resource.graph=- <"$WORK/graph.yaml"
weir kvs put resource.simulated=true \
	'config={"job-manager":{"epilog":{"command":["/bin/false"]}}}'
start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing

submit wide -S exec.test.run_duration=0.001s -N$NODES true
wait_event clean
is "$(events "$KEY" | sed 's/.*alloc //')" \
	'start finish epilog-start exception epilog-finish release free clean' \
	'the epilog fails'
weir kvs get resource.drain >"$WORK/drained"
is "$(grep -o '"reason":"epilog of job [^"]* exit code is 1"' "$WORK/drained" | wc -l)" \
	$NODES 'the reason is kept for each node'
is "$(weir resource status -n | awk '{print $1, $3}')" "drained $NODES" \
	'no node is left for jobs'
kill_schedd KILL
start_schedd
is "$(weir resource status -n | awk '{print $1, $3}')" "drained $NODES" \
	'the next schedd knows'
run weir resource undrain "0-$((NODES - 2))"
ran 0 '' '' 'they are given back'
is "$(weir resource list -n -s free -o '{nnodes}')" $((NODES - 1)) 'but one'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
