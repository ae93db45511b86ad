#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Canonical jobspecs, from submission to the output of their tasks, and what is
# said of wrong ones. weir-jobspec(5).
# shellcheck disable=SC2016
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }

# spec RESOURCES COUNT: of a job that tells its size
spec()
{
	printf '{"version":9999,"resources":[%s],"tasks":[{"command":["sh","-c","%s"],"slot":"a","count":%s}],"attributes":{"system":{"duration":60,"environment":{"PATH":"%s"},"cwd":"/"}}}' \
		"$1" 'echo $WEIR_TASK_RANK/$WEIR_JOB_SIZE' "$2" "$PATH"
}

# v TYPE COUNT [INSIDE]: a vertex
v()
{
	printf '{"type":"%s","count":%s%s%s}' "$1" "$2" \
		"$([ "$1" != slot ] || echo ',"label":"a"')" \
		"${3:+,\"with\":[$3]}"
}

# tasks RESOURCES COUNT: the output of its tasks, sorted, in a line
tasks()
{
	spec "$@" >"$WORK/spec"
	weir job submit "$WORK/spec" >"$WORK/id" || return
	weir job attach "$(cat "$WORK/id")" | sort | xargs
}

refused()
{
	spec "$1" "$each" >"$WORK/spec"
	run weir job submit "$WORK/spec"
	ERR=${ERR#weir-job: }
}

one=$(v core 1)
each='{"per_slot":1}'
cores=$(weir resource list -n -s all -o '{ncores}')
is "$(tasks "$(v slot 1 "$one")" "$each")" 0/1 'a slot on top'
is "$(tasks "$(v node 1 "$(v slot 1 "$one")")" '{"per_slot":3}')" \
	'0/3 1/3 2/3' 'three tasks in it'
is "$(tasks "$(v cluster 1 "$(v node 1 "$(v slot 1 "$one")")")" '{"total":1}')" \
	0/1 'nested'
is "$(tasks "$(v slot 1 "$(v node 1)")" "$each")" 0/1 'a slot that is a node'
many=$(tasks "$(v slot '{"min":1,"max":100000,"operator":"+","operand":1}' "$one")" \
	"$each" | tr ' ' '\n' | grep -c "/$cores\$")
is "$many" "$cores" 'as many slots as there are cores'
id=$(cat "$WORK/id")
is "$(weir job taskmap --ntasks=0 "$id")" "$cores" 'their map'
is "$(weir jobs -no '{ntasks}' "$id")" "$cores" 'and their number'

refused "$(v slot 0 "$one")"
is "$ERR" 'resources[0].count: must be an integer >= 1, got 0' 'a wrong count'
refused "$(v slot '{"min":4,"max":2}' "$one")"
is "$ERR" 'resources[0].count.max: must be an integer >= 4, got 2' 'a wrong range'
refused "$(v node 1 "$one")"
is "$ERR" 'resources: there is no slot for tasks' 'no slot'
refused "$(v slot 1 "$(v toaster 1)")"
is "$ERR" 'unsatisfiable request: the instance has no toaster' 'an unknown type'
refused "$(v slot 1 "$(v core 1000000)")"
matches "$ERR" 'unsatisfiable request: 1000000 cores are needed' 'too many'
stop_instance

# ---- a graph of other things, nodes that are simulated
. "$srcdir/t/schedd.sh"
cat >"$WORK/graph" <<'END'
version: 1
resources:
- type: cluster
  with:
  - type: rack
    count: 2
    with:
    - type: node
      count: 2
      properties: {big: 2-3}
      with:
      - type: socket
        count: 2
        with:
        - {type: core, count: 4}
        - {type: gpu, count: 1}
        - {type: memory, size: 8, unit: GB}
END
start_kvsd && export WEIR_URI="local://$SOCKET"
weir kvs put -r resource.graph=- <"$WORK/graph"
weir kvs put resource.simulated=true
start_schedd

# has RESOURCES [SYSTEM]: what it gets: ranks with cores and gpus, how many
# slots, and the vertices if these do not say it all
has()
{
	printf '{"version":9999,"resources":[%s],"tasks":[{"command":["app"],"slot":"a","count":{"per_slot":1}}],"attributes":{"system":{%s"exec":{"test":{"run_duration":"1h"}}}}}' \
		"$1" "${2:+$2,}" >"$WORK/spec"
	id=$(weir job submit "$WORK/spec") || return
	weir job wait-event "$id" start >"$WORK/event" || return
	weir kvs get "$(weir job id --to=kvs "$id").R" >"$WORK/R"
	sed 's/.*"R_lite":\(.*\),"nodelist.*"nslots":\([0-9]*\).*/\1 \2/
		s/"children"://g; s/[]"{}[]//g' "$WORK/R"
	sed -n 's/.*"picks"://p' "$WORK/R" | tr -d '"[]{}'
	weir cancel --quiet "$id"
	weir job wait-event "$id" clean >"$WORK/event"
}

is "$(has "$(v slot 2 "$(v core 1),$(v gpu 1),$(v memory 3)")")" \
	'rank:0,core:0-1,gpu:0-1 2
rank:0,path:socket0/core0,rank:0,path:socket0/core1,rank:0,path:socket0/gpu0,rank:0,path:socket0/memory0,rank:0,path:socket1/gpu1,rank:0,path:socket1/memory1' \
	'cores, gpus and memory in a slot'
is "$(has "$(v socket 1 "$(v slot 2 "$one")")")" \
	'rank:0,core:0-1 2
rank:0,path:socket0,shared:true,rank:0,path:socket0/core0,rank:0,path:socket0/core1' \
	'slots in a socket'
is "$(has "$(v rack 1 "$(v node 2 "$(v slot 1 "$(v socket 1)")")")")" \
	'rank:0-1,core:0-3,gpu:0 2
path:/cluster0/rack0,shared:true,rank:0,shared:true,rank:0,path:socket0,rank:1,shared:true,rank:1,path:socket0' \
	'in nodes of one rack'
is "$(has "$(v slot '"3-9"' "$(v node 1)")")" \
	'rank:0-3,core:0-7,gpu:0-1 4
rank:0,rank:1,rank:2,rank:3' 'as many nodes as there are'
is "$(has "$(v slot '{"min":1,"max":8,"operator":"*","operand":3}' "$(v node 1)")")" \
	'rank:0-2,core:0-7,gpu:0-1 3
rank:0,rank:1,rank:2' 'or 1, 3, 9'
is "$(has "$(v slot 1 "$(v node 1)")" '"constraints":{"properties":["big"]}')" \
	'rank:2,core:0-7,gpu:0-1 1
rank:2' 'on a node with a property'
is "$(has '{"type":"rack","count":1,"exclusive":true,"with":['"$(v slot 1 "$one")]}")" \
	'rank:0-1,core:0-7,gpu:0-1 1
path:/cluster0/rack0' 'a whole rack for one core'
spec "$(v rack 3 "$(v slot 1 "$one")")" "$each" |
	sed 's/"duration"/"exec":{"test":{"run_duration":"1h"}},&/' >"$WORK/spec"
run weir job submit "$WORK/spec"
matches "$ERR" 'unsatisfiable request:' 'three racks of two'

done_testing
