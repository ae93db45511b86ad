#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir config, setattr, uri: what an instance is told, and where it is.
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance -s2 || { ok 1 'an instance starts'; done_testing; }

# ---- config
run weir config get
ran 0 '{}' '' 'there is none'
run weir config unset a.b
ran 0 '' '' 'what is not set can be unset'
run weir config set policy.limits.duration 2h
ran 0 '' '' 'a string is set'
is "$(weir kvs get config)" '{"policy":{"limits":{"duration":"2h"}}}' 'what is on the way is made'
run weir run -t 3h true
like "$STATUS $ERR" '1 *exceeds policy limit of 2h*' 'it is in force'
weir config set policy.limits.job-size.max '{"nnodes":1}'
is "$(weir config get policy.limits.job-size)" '{"max":{"nnodes":1}}' 'an object'
weir config set a 1
weir config set b true
weir config set -t string c 1
is "$(weir config get -t integer a) $(weir config get -t boolean b) $(weir kvs get config | grep -c '"c":"1"')" \
	'1 true 1' 'types'
is "$(weir config get -t fsd policy.limits.duration) $(weir config get -t fsd-integer policy.limits.duration) $(weir config get -t fsd-real a)" \
	'2h 7200 1.000000' 'durations'
run weir config get -t string a
ran 1 '' 'weir-config: a does not have type string' 'another type'
run weir config get -q a
ran 0 '' '' '--quiet'
run weir config get nope.x
ran 1 '' 'weir-config: nope.x is not set' 'not set'
run weir config get -d other nope
ran 0 other '' '--default'
run weir config set a.b 1
ran 1 '' 'weir-config: a is not an object' 'a way that is none'
run weir config set x..b 1
ran 1 '' 'weir-config: a part of the name is empty' 'an empty name'
run weir config set -t integer a x
ran 1 '' "weir-config: 'x' does not have type integer" 'a value of another type'
run weir config set -t odd a x
ran 1 '' "weir-config: --type: 'odd' is not string, *" 'a type that is none'
run weir config unset policy
is "$STATUS $(weir config get | grep -c policy)" '0 0' 'unset'
printf 'policy:\n  limits:\n    duration: 5m\n' >"$WORK/new"
run weir config load "$WORK/new"
is "$STATUS $(weir config get)" '0 {"policy":{"limits":{"duration":"5m"}}}' 'all of it, in YAML'
echo '{"q":[1,2]}' | weir config load
is "$(weir config get q)" '[1,2]' 'in JSON, from standard input'
run weir config get -c "$WORK/new" policy.limits.duration
ran 0 5m '' 'a file'
echo '[1]' >"$WORK/new"
run weir config load "$WORK/new"
ran 1 '' "weir-config: $WORK/new: must be an object" 'no object'
run weir config load "$WORK/none"
ran 1 '' "weir-config: $WORK/none: No such file or directory" 'no file'
i=0
while [ $i -lt 8 ]; do
	weir config set "many.k$i" $i &
	pids="$pids $!"
	i=$((i + 1))
done
for pid in $pids; do
	await 'weir config set' "$pid"
done
is "$(weir config get many | tr ',' '\n' | wc -l)" 8 'changes at the same time are all there'

# ---- attributes
run weir setattr site x
ran 1 '' 'weir-setattr: site: unknown attribute' 'an attribute that is not there'
run weir setattr -f site x
is "$STATUS $(weir getattr site)" '0 x' 'is made by force'
run weir setattr site 'y z'
is "$STATUS $(weir getattr site) $(weir lsattr | grep -c '^site$')" '0 y z 1' 'and then set'
run weir setattr size 5
ran 1 '' 'weir-setattr: size: Operation not permitted' 'what is so stays so'
run weir setattr instance-level 5
ran 1 '' 'weir-setattr: instance-level: Operation not permitted' 'by another name, too'
run weir setattr site
like "$STATUS $ERR" '1 weir-setattr: an attribute name and its value are needed*' 'no value'

# ---- uri
is "$(weir uri .) $(weir uri /) $(weir uri ..)" "$WEIR_URI $WEIR_URI $WEIR_URI" 'here'
is "$(weir uri local:///x)" 'local:///x' 'an address'
sleep 1000 &
note_pid $!
until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done
is "$(weir uri pid:$!)" "$WEIR_URI" 'of a process'
outer=$(weir alloc --bg -n1 sh -c 'echo $$; weir submit true >/dev/null; exec sleep 1000')
uri=$(weir uri --wait "$outer")
like "$uri" 'local://*' 'of a job'
is "$(WEIR_URI=$uri weir getattr level)" 1 'it is the one inside'
is "$(WEIR_URI=$uri weir uri ..) $(WEIR_URI=$uri weir uri /)" "$WEIR_URI $WEIR_URI" 'up'
inner=$(WEIR_URI=$uri weir alloc --bg -n1 sleep 1000)
deep=$(weir uri --wait "$outer/$inner")
is "$(WEIR_URI=$deep weir getattr level)" 2 'one in another'
is "$(WEIR_URI=$deep weir uri "/jobid:$outer" 2>&1 | head -n 1)" \
	"weir-uri: ERROR: jobid:$outer is not a valid Weir jobid" 'the scheme comes first'
is "$(WEIR_URI=$deep weir uri "/$outer/$inner")" "$deep" 'from the outermost'
weir cancel "$outer"
weir job wait-event -q "$outer" clean
run weir uri "$outer"
ran 1 '' "weir-uri: ERROR: jobid $outer is not running" 'one that has ended'
id=$(weir submit sleep 1000)
weir job wait-event -q "$id" start
run weir uri "$id"
ran 1 '' "weir-uri: ERROR: jobid $id is not a Weir instance" 'no instance'
run weir uri 1234
ran 1 '' 'weir-uri: ERROR: jobid 1234 not found' 'no job'
run weir uri 'x!'
ran 1 '' 'weir-uri: ERROR: x! is not a valid Weir jobid' 'no id'
run weir uri pid:x
ran 1 '' "weir-uri: ERROR: pid:x: 'x' is no process id" 'no process'
run weir uri
ran 2 '' 'weir-uri: one target is needed: *' 'nothing'
weir cancel --all --quiet
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
