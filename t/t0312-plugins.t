#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plug-ins of schedd: loaded by command and by configuration, what they are
# told and asked, and that they are there again after a restart.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0
"$weir" kvs get -W resource.R >"$WORK/out"
MOCK='exec.test.run_duration=0.001s'
LONG='exec.test.run_duration=1h'
dir=$builddir/t/tool/.libs
probe=$dir/plugin_probe.so
log=$WORK/log

# schedd hears of it before it answers a call that comes later.
configure()
{
	"$weir" kvs put "config=$1"
	call job-manager.ping '{}' >"$WORK/out"
}

# with_probe MEMBERS: the probe by configuration
with_probe()
{
	configure "{\"job-manager\":{\"plugins\":[{\"load\":\"$probe\",\"conf\":{\"log\":\"$log\"$1}}]}}"
}

# ---- by command
run weir jobtap list
ran 0 '' '' 'none is there'
run weir jobtap load "$probe" log="$log" never='["x"]' deep.er=1
ran 0 '' '' 'one is loaded'
run weir jobtap list
ran 0 "$(printf '%-20s %s' probe "$probe")" '' 'it is listed with its path'
run weir jobtap query probe
like "$OUT" "*\"name\": \"probe\"*\"conf\": {*\"never\": [[]\"x\"[]], \"deep\": {\"er\": 1}}*\"probe\": 42*" \
	'its configuration and what it says of itself'
run weir jobtap load "$probe"
ran 1 '' '*a plug-in probe is loaded already*' 'a name is there once'
run weir jobtap query nope
ran 1 '' '*no plug-in nope is loaded*' 'one that is not there'
run weir jobtap remove nope
ran 1 '' '*no plug-in matches nope*' 'nor can it be removed'
run weir jobtap load --remove='pro*' "$probe" log="$log"
ran 0 '' '' 'one in place of others'
is "$(tail -n 1 "$log")" configure 'which were told to end'
run weir jobtap remove probe
ran 0 '' '' 'it is removed'
is "$(weir jobtap list; tail -n 1 "$log")" unload 'and gone'

# ---- not to be loaded
refused()
{
	run weir jobtap load "$1"
	ran 1 '' "*$2*" "$3"
}
refused /none/such 'No such file' 'a path that is not there'
refused nosuch 'plug-in nosuch: there is no such file in */plugins*' 'a name'
echo text >"$WORK/text.so"
refused "$WORK/text.so" 'text.so: *' 'a file that is no object'
refused "$dir/policy_odd.so" 'it has no symbol weir_plugin' 'one without the symbol'
refused "$dir/plugin_abi.so" 'was made for plug-in ABI 2, this schedd has 1' 'another ABI'
refused "$dir/plugin_name.so" 'its name must be 1 to 64 *' 'a name that is none'
refused "$dir/plugin_size.so" 'says a size of 8' 'too small a table'
refused "$dir/plugin_scheme.so" "the dependency scheme 'afterok' cannot be its own" 'a scheme of schedd'
run weir jobtap load "$probe" wrong=configure
ran 1 '' '*plug-in probe: its configuration: wrong: it is*' 'a wrong configuration'
run weir jobtap load "$probe" novalue
ran 1 '' "*'novalue' is no KEY=VALUE*" 'a setting without a value'
run call job-manager.jobtap '{"load":"a/b"}'
like "$STATUS $ERR" '1 *must be a name or an absolute path*' 'a path that depends on where one is'
run call job-manager.jobtap '{}'
like "$STATUS $ERR" '1 *nothing to load*' 'neither load nor remove'
run call job-manager.jobtap '{"load":"/x","conf":[]}'
like "$STATUS $ERR" '1 *conf: must be an object*' 'a configuration that is no object'
is "$(weir jobtap list)" '' 'nothing of that is left'

# ---- what it is told
: >"$log"
submit before --urgency=hold -n2 -t 10m -S "$MOCK" true
with_probe ''
matches "$(cat "$log")" "^job before in state 3 of queue '' wants 0 nodes 2 cores 0 gpus, 600 s, kind 0, jobspec none\$" \
	'of jobs that are there already'
: >"$log"
submit one -S "$MOCK" true && wait_event clean
is "$(grep -v '^before' "$log")" "$(cat <<X
job one in state 0 of queue '' wants 0 nodes 1 cores 0 gpus, 0 s, kind 0, jobspec none
one: event submit
one: event validate
one: state 0 to 1
one: event depend
one: state 1 to 2
one: event prioritycontext":{"priority":16}}
one: state 2 to 3
one: event alloc
one: state 3 to 4
one: event start
one: event finish
one: state 4 to 5
one: event release
one: event free
one: event clean
one: state 5 to 6
X
)" 'of each step of a job'
: >"$log"
submit_array many --array=1-2 -S "$MOCK" true && wait_event clean
is "$(grep '^job' "$log" | sed 's/.*\(kind .\).*/\1/' | xargs)" 'kind 1 kind 2 kind 2' \
	'of arrays and their elements'

# ---- what it is asked
with_probe ',"refuse":"bad","priority":{"high":1000,"low":3,"odd":-1}'
submit bad -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*the probe has something against bad' 'it refuses a job'
weir queue stop --quiet -a
for name in low high mid odd; do
	submit $name -S "$LONG" -n1 true
	eval "$name=\$ID"
done
is "$(field low priority) $(field high priority) $(field mid priority)" '3 1000 16' \
	'it gives priorities'
is "$(field odd priority)" 16 'but not any'
like "$(cat "$WORK/stderr")" '*plug-in probe: priority -1 of job.* is not used*' 'which is told'
with_probe ',"priority":{"low":40}'
is "$(field low priority) $(field high priority)" '40 16' 'they follow its configuration'
with_probe ',"priority":{"low":40},"wrong":"configure"'
like "$(cat "$WORK/stderr")" '*config: plug-in probe: its configuration: wrong: it is*' 'a wrong one is told'
is "$(field low priority)" 40 'and not used'
weir cancel -q "$low" "$high" "$mid" "$odd"
weir queue start --quiet -a
run call job-manager.jobtap '{"remove":"probe"}'
is "$STATUS$(field before priority)" 00 'held jobs are not asked about'
with_probe ',"wrong":"update"'
weir queue stop --quiet -a
submit slow -t 1h -S "$LONG" true
run weir update "$ID" duration=5m
is "$STATUS$ERR" 0 'the owner may change what a plug-in forbids to users'
with_probe ',"hold":"slow","raise":"fast"'
weir queue start --quiet -a
submit fast -S "$LONG" true && wait_event clean
matches "$("$weir" kvs eventlog get "$KEY.eventlog")" 'exception type="probe" severity=0 note="raised by a plug-in"' \
	'it raises an exception'
is "$(weir jobs -no '{state} {annotations.sched.reason_pending}' -f sched --name=slow)" 'SCHED the probe holds it' \
	'a job that it holds says why, and holds up nobody'
submit slow -S "$LONG" true
with_probe ',"timer":0.01'
KEY=$(kvs_key "$ID") && wait_event alloc
ok $? 'it may start when it is held no more'
weir cancel -q --all
until grep -q '^timer$' "$log"; do call job-manager.ping '{}' >"$WORK/out"; done
ok $? 'its timer comes'

# ---- dependencies
with_probe ',"never":["lost"]'
submit none --dependency=nope:1 -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*dependency scheme "nope" not supported' 'a scheme that nobody knows'
submit none --dependency=token:lost -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*dependency: token: lost is no token' 'a dependency that cannot hold'
submit none --dependency=token:"$(printf '%0201d' 0)" -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*dependency: token: its value must have at most 200 bytes' 'too long a value'
submit dep --dependency=token:a -S "$MOCK" true
dep=$KEY
is "$(weir jobs -no '{dependencies}' --name=dep) $(events "$dep")" 'token=a submit dependency-add validate' 'a job waits for it'
submit gone --dependency=token:b -S "$MOCK" true
gone=$KEY
submit any --dependency=any-of:token:c,token:a -S "$MOCK" true
any=$KEY
kill_schedd KILL
start_schedd
is "$(events "$dep")" 'submit dependency-add validate' 'and after a restart'
configure '{}'
run weir jobtap list
is "$OUT" '' 'without the plug-in'
kill_schedd TERM
start_schedd
is "$(events "$dep")" 'submit dependency-add validate' 'it waits still'
with_probe ',"tokens":["a"],"never":["b"]'
wait_event clean "$dep.eventlog" && wait_event clean "$any.eventlog"
is "$(events "$dep" | cut -d ' ' -f 1-5)" 'submit dependency-add validate dependency-remove depend' \
	'until it holds'
wait_event clean "$gone.eventlog"
matches "$("$weir" kvs eventlog get "$gone.eventlog")" 'exception type="dependency" .*token=b can never be' \
	'or cannot hold any more'

# ---- restarts and configuration
configure '{}'
weir jobtap load "$probe" log="$log"
for signal in KILL TERM; do
	kill_schedd $signal
	start_schedd
	is "$(weir jobtap list | cut -d ' ' -f 1)" probe "one that was loaded is there after SIG$signal"
done
weir jobtap remove all
kill_schedd KILL
start_schedd
is "$(weir jobtap list)" '' 'one that was removed is not'
configure "{\"job-manager\":{\"searchpath\":\"/none:$dir\",\"plugins\":[{\"load\":\"plugin_probe\"},{\"load\":\"nosuch\"}]}}"
is "$(weir jobtap list)" "$(printf '%-20s %s' probe "$probe")" 'found in the search path'
like "$(cat "$WORK/stderr")" '*config: plug-in nosuch: there is no such file in /none:*' 'one that is not found is told'
kill_schedd TERM
start_schedd
is "$(weir jobtap list | cut -d ' ' -f 1)" probe 'configured ones are there after a restart'
for wrong in '{"plugins":{}}|job-manager.plugins: must be an array' \
	'{"plugins":[1]}|job-manager.plugins.0.: must be an object' \
	'{"plugins":[{"load":"a/b"}]}|job-manager.plugins.0..load: must be a name or an absolute path' \
	'{"plugins":[{"load":"x","conf":1}]}|job-manager.plugins.0..conf: must be an object' \
	'{"plugins":[{"load":"x","no":1}]}|job-manager.plugins.0.*no' \
	'{"searchpath":1}|job-manager.searchpath: must be a string'; do
	configure "{\"job-manager\":${wrong%|*}}"
	matches "$(cat "$WORK/stderr")" "config: ${wrong#*|}.*no plug-in is changed" "config: ${wrong%|*}"
done
is "$(weir jobtap list | cut -d ' ' -f 1)" probe 'a wrong table changes nothing'
weir kvs put plugin.loaded="[{\"load\":\"$probe\"},{\"load\":\"/none/such\"},{}]"
configure '{}'
kill_schedd KILL
start_schedd
is "$(weir jobtap list | cut -d ' ' -f 1)" probe 'one whose file is gone keeps schedd from nothing'
like "$(cat "$WORK/stderr")" '*plugin.loaded: plug-in /none/such: No such file*plugin.loaded: a row names no plug-in*' 'it is told'
kill_schedd TERM
is "$(grep -c 'Sanitizer' "$WORK/stderr")" 0 'no sanitizer found anything'
done_testing
