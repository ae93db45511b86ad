#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir job urgency and memo; the order in which jobs get resources.
# weir-job(1).
# shellcheck disable=SC2119
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0
LONG='-S exec.test.run_duration=1h'

plain()
{
	weir job id --to=f58plain "$1"
}

# ---- urgency
# shellcheck disable=SC2086
submit busy $LONG true
BUSY=$(plain "$ID")
for name in one two three four; do
	# shellcheck disable=SC2086
	submit $name $LONG true
	eval "$name=\$(plain \"\$ID\") ${name}_key=\$KEY"
done
waiting()
{
	weir jobs -no '{name}:{priority}' -f pending | xargs
}
is "$(waiting)" 'one:16 two:16 three:16 four:16' 'of equal ones the oldest is first'
run weir job urgency "${two:?}" 20
ran 0 '' '' 'urgency'
run weir job urgency -v "${three:?}" expedite
ran 0 'old urgency: 16' '' 'urgency -v, expedite'
run weir job urgency "${four:?}" hold
is "$(waiting)" 'three:4294967295 two:20 one:16 four:0' 'the order follows'
run weir job urgency -v "$three" default
ran 0 'old urgency: job expedited' '' 'it was expedited'
run weir job urgency -v "$four" 17
ran 0 'old urgency: job held' '' 'it was held'
is "$(waiting)" 'two:20 four:17 one:16 three:16' 'equal ones by age again'
is "$(events "${four_key:?}")" \
	'submit validate depend priority urgency priority urgency priority' \
	'each change is two events'
matches "$("$weir" kvs eventlog get "$four_key.eventlog")" \
	"urgency urgency=17 userid=$(id -u)" 'that say who'
run weir job urgency "$four" 32
ran 1 '' "weir-job: $four: urgency value is out of range" 'out of range'
run weir job urgency "$four" high
ran 1 '' "weir-job: $four: urgency value is out of range" 'no urgency'
run weir job urgency "$BUSY" 1
ran 1 '' "weir-job: $BUSY: urgency cannot be changed once resources are allocated" \
	'a running job'
run weir job urgency f123 1
ran 1 '' 'weir-job: f23: unknown job id' 'no such job'
run weir job urgency "$four"
ran 1 '' 'Usage: weir job urgency *' 'no value'
kill_schedd KILL
start_schedd
is "$(waiting)" 'two:20 four:17 one:16 three:16' 'a restart keeps the order'
for name in busy two four one; do
	weir cancel "$(plain "$(field $name id)")"
done
is "$(weir jobs -no '{name} {state}' -f active)" 'three RUN' 'they ran in it'

# ---- memo
run weir job memo "$three" a=1 b.c=text 'd={"e":null}'
ran 0 '' '' 'memo'
is "$(weir jobs -no '{user}' "$three")" '{"a": 1, "b": {"c": "text"}, "d": {"e": null}}' \
	'it is in listings'
run weir job memo "$three" a=null b.f=true
is "$(weir jobs -no '{user.b} {user.a}' "$three" | sed 's/ *$//')" '{"c": "text", "f": true}' \
	'null takes away, objects are merged'
run weir job memo --volatile "$three" v=1
is "$(weir jobs -no '{user.v}' "$three")" 1 'a volatile one'
is "$(events "${three_key:?}" | grep -o memo | wc -l)" 2 'is no event'
run weir job memo "$three" a
ran 1 '' "weir-job: 'a' is not KEY=VALUE" 'no value'
run weir job memo f123 a=1
ran 1 '' 'weir-job: f23: unknown job id' 'no such job'
kill_schedd KILL
start_schedd
is "$(weir jobs -no '{user}' "$three")" '{"b": {"c": "text", "f": true}, "d": {"e": null}}' \
	'a restart keeps what was an event'
weir cancel "$three"
is "$(weir jobs -ano '{user.b.c}' "$three")" text 'so does the end'
run weir job memo "$three" a=1
ran 1 '' "weir-job: $three: job is inactive" 'a job that has ended'
kill_schedd KILL
start_schedd
is "$(weir jobs -ano '{user.b.c}' "$three")" text 'and a restart after it'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
