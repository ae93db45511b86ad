#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nodes that are drained: no new jobs, those they have go on, a restart knows.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1 NO_COLOR=1 TZ=UTC
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
node_up 1
"$weir" kvs get -W resource.R >"$WORK/out"
LONG='exec.test.run_duration=1h'

run weir resource drain
ran 0 'TIME         STATE    REASON                         NODELIST' '' 'nothing is drained'
submit first -S "$LONG" -n1 true && wait_event start
run weir resource drain 0 bad disk
ran 0 '' '' 'a node is drained, by rank'
matches "$(weir resource drain -n)" '^[A-Z][a-z]{2}[0-9]{2} [0-9:]{5}  draining bad disk +n0$' \
	'it is draining while it has a job'
run weir resource drain n1
ran 0 '' '' 'another by its host, without a reason'
is "$(weir resource status -n -o long | tr -s ' ')" ' draining ✔ 1 bad disk n0
 drained ✔ 1 n1' 'status tells which'
is "$(weir resource status)" '       STATE UP NNODES NODELIST
    draining  ✔      1 n0
     drained  ✔      1 n1' 'as a table'
run weir resource status -s all -o '{state} {status} {up.ascii} {ranks} {reason}'
ran 0 'STATE STATUS UP RANKS REASON
avail    
exclude    
draining online y 0 bad disk
drained online y 1 
allocated online y 0 bad disk
torpid    
housekeeping    
online online y 0 bad disk
online online y 1 
offline    ' '' 'all states, and fields'
run weir resource status -n -s drain,online --skip-empty -o '{statex}:{nnodes}:{nodelist}'
ran 0 'draining:1:n0
drained:1:n1
online:2:n[0-1]' '' 'what is not shown makes no lines of its own'
run weir resource status -n -i 1 -o '{state} {nodelist}'
ran 0 'drained n1' '' 'some nodes'
run weir resource status -n -i n0 -s avail
ran 0 '       avail         0 ' '' 'a state that is asked for is shown without nodes'
run weir resource status -s odd
ran 1 '' 'weir-resource: ERROR: Invalid resource state odd specified' 'a state that is none'
like "$(weir resource status -n -L -s drained)" "*$(printf '\033')[[]01;32m*✔*" 'colour'
matches "$(weir resource drain -n -o long)" '^[A-Z][a-z]{2}[0-9]{2} [0-9:]{5}  draining 0        bad disk +n0
[A-Z][a-z]{2}[0-9]{2} [0-9:]{5}  drained  1 +n1$' 'drain -o long has the ranks'
run weir resource drain -n -i n1 -o '{nodelist} {state}'
ran 0 'n1 drained' '' 'drain -i'
run weir resource drain -i n1 n1
ran 1 '' '*-n, -o, -q and -i are for the list*' 'which drains nothing'
run weir resource drain -o help
ran 0 'Configured weir-resource drain output formats:

  default
  long' '' 'the formats that have a name'
is "$(weir resource list -n -s free,down | awk '{print $1, $2}')" 'free 0
down 2' 'for jobs they are down'
is "$(field first state)" 16 'the job goes on'
submit second -S "$LONG" -n1 true
run weir resource drain 0 worse
ran 1 '' 'weir-resource: ERROR: rank 0 already drained*--force*' 'once is enough'
run weir resource drain -u 0-1 worse
ran 0 '' '' '--update leaves those that are'
matches "$(weir resource drain -n)" 'bad disk +n0$' 'with their reason'
run weir resource drain --force 0 worse
ran 0 '' '' '--force replaces it'
matches "$(weir resource drain -n)" 'worse +n0$' 'as told'
kill_schedd KILL
start_schedd
matches "$(weir resource drain -n)" 'worse +n0$' 'a restart knows'
is "$(field first state) $(field second state)" '16 8' 'the job still goes on, the other waits'
weir kvs unlink node.1.info
node_up 1
call job-manager.ping '{}' >"$WORK/out"
is "$(field second state)" 8 'a node that comes again is as drained as before'
run weir resource undrain 1
ran 0 '' '' 'undrain'
wait_event start
is "$(field second nodelist)" n1 'it gets the job that waited'
run weir resource undrain 1
ran 1 '' 'weir-resource: ERROR: rank 1 not drained*' 'twice is an error'
run weir resource undrain -f 0-1
ran 0 '' '' 'but not with --force'

# ---- wrong
run weir resource drain 0-7
ran 1 '' "*targets: not all of '0-7' are nodes of this instance*" 'a rank that is not there'
run weir resource drain none7
ran 1 '' "*targets: not all of 'none7' are nodes*" 'a host that is not there'
run weir resource drain '[x'
ran 1 '' "*'[[]x' is neither ranks nor hosts*" 'neither rank nor host'
run call resource.drain '{"targets":5}'
like "$STATUS $ERR" '1 EPROTO: targets, reason and mode must be strings*' 'a call that makes no sense'
run weir resource status -o odd
ran 1 '' '*No such format odd*' 'a format that is not there'
kill_schedd TERM
weir kvs put 'resource.drain={"x":1,"0":{"reason":"by hand"}}'
start_schedd
like "$(cat "$WORK/stderr")" "*resource.drain: 'x' is no rank*" 'a key that somebody broke is told'
matches "$(weir resource status -n)" '^ +draine?d?(ing)? .* n0$' 'and what makes sense of it is used'
done_testing
