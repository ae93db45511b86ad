#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir uptime: what is not as it should be.
. "${srcdir:-.}/t/tap.sh"

start_instance -s2 || { ok 1 'an instance starts'; done_testing; }
run weir uptime
matches "$OUT" '^ [0-9:]{8} run [0-9.]+[a-z]+,  owner .*,  depth 0,  size 2$' 'all is well'
is "$(echo "$OUT" | wc -l)" 1 'in one line'
weir queue disable -m test --quiet
is "$(weir uptime | tail -n +2)" '  submit disabled' 'no job is taken'
weir queue stop --quiet
is "$(weir uptime | tail -n +2)" '  submit disabled,  scheduler stopped' 'and none begins'
weir queue enable --quiet
is "$(weir uptime | tail -n +2)" '  scheduler stopped' 'only that'
weir queue start --quiet
weir kvs put config='{"queues":{"a":{},"b":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"a"}}}}}'
weir queue start --quiet a
is "$(weir uptime | wc -l)" 1 'one of two queues is started'
# a node goes, as schedd sees it
weir kvs unlink node.1.info
waiting 'a node that is down'
until weir resource list -n -s down -o '{ranks}' | grep -q 1; do :; done
waited
matches "$(weir uptime)" ',  size 2,  1 offline$' 'a node is down'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
