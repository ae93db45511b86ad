#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Jobs that wait for others, for a time, for their own kind. weir-jobs(7).
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

export WEIR_F58_FORCE_ASCII=1
start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-3
MOCK='-S exec.test.run_duration=0.001s'
LONG='-S exec.test.run_duration=1h'

f58()
{
	"$weir" job id --to=f58 "$1"
}

# What the job KEY depends on according to its log: "add remove add".
changes()
{
	events "$1" | tr ' ' '\n' | sed -n 's/^dependency-//p' | xargs
}

note()
{
	"$weir" kvs eventlog get -u "$1.eventlog" |
	sed -n 's/.*"exception",.*"type":"\([^"]*\)".*"note":"\([^"]*\)".*/\1: \2/p'
}

raise()
{
	call job-manager.raise "{\"id\":$1,\"type\":\"cancel\",\"severity\":0}" \
		>/dev/null
}

# ---- after, afterany, afterok, afternotok, afterexcept
# shellcheck disable=SC2086
submit first $LONG true
FIRST=$ID
for scheme in after afterstart afterany afterok afternotok afterexcept; do
	# shellcheck disable=SC2086
	submit $scheme --dependency=$scheme:"$FIRST" $MOCK true
	eval "$scheme=\$KEY"
done
wait_event clean "${after:?}.eventlog" &&
	wait_event clean "${afterstart:?}.eventlog"
ok $? 'after waits for the start only'
is "$(events "$after")" 'submit dependency-add validate dependency-remove depend priority alloc start finish release free clean' \
	'its events'
is "$(field afterany state) $(field afterok state) $(field afternotok state)" \
	'2 2 2' 'the others are in state DEPEND'
matches "$("$weir" kvs eventlog get -u "${afterok:?}.eventlog")" \
	"\"dependency-add\",\"context\":\{\"description\":\"after-success=ƒ[^\"]*\"\}" \
	'the log says on what'
is "$("$weir" jobs -no '{dependencies}' --name=afterok)" \
	"after-success=ƒ$(f58 "$FIRST" | cut -c2-)" 'so do listings'
is "$("$weir" jobs -no '{contextual_info}' --name=afterok)" \
	"depends:after-success=ƒ$(f58 "$FIRST" | cut -c2-)" 'as what it waits for'
raise "$FIRST"
wait_event clean "${afterany:?}.eventlog" &&
	wait_event clean "${afternotok:?}.eventlog" &&
	wait_event clean "${afterexcept:?}.eventlog"
ok $? 'the end of the job lets afterany, afternotok and afterexcept go'
is "$(field afterany result) $(field afternotok result)" '1 1' 'they run'
wait_event clean "${afterok:?}.eventlog"
is "$(note "$afterok")" \
	"dependency: dependency after-success=ƒ$(f58 "$FIRST" | cut -c2-) can never be satisfied" \
	'afterok ends with the reason'
is "$(events "$afterok")" 'submit dependency-add validate exception clean' \
	'without having run'
is "$(field afterok result)" 2 'as failed'

# ---- a job that ended long ago
# shellcheck disable=SC2086
submit quick $MOCK true
wait_event clean
QUICK=$ID
# shellcheck disable=SC2086
submit late --dependency=afterok:"$(f58 "$QUICK")" $MOCK true
wait_event clean
is "$(field late result)" 1 'a job may depend on one that has ended'
# shellcheck disable=SC2086
submit late2 --dependency=afternotok:"$QUICK" $MOCK true
wait_event clean
matches "$(note "$KEY")" 'after-failure=.* can never be satisfied' \
	'if that ended otherwise, it ends'
# shellcheck disable=SC2086
submit late3 --dependency=afterok:"$QUICK" --dependency=afterok:"$QUICK" $MOCK true
wait_event clean
is "$(changes "$KEY")" 'add remove' 'the same dependency counts once'
submit unrun --urgency=0 true
raise "$ID"
# shellcheck disable=SC2086
submit late4 --dependency=afternotok:"$ID" $MOCK true
wait_event clean
matches "$(note "$KEY")" 'can never be satisfied' \
	'a job that never ran did not fail'

# ---- a chain, of which the first fails
submit link --urgency=0 true
LINK=$ID
i=0
while [ $i -lt 20 ]; do
	# shellcheck disable=SC2086
	submit link$i --dependency=afterok:"$ID" $MOCK true
	i=$((i + 1))
done
raise "$LINK"
wait_event clean
is "$(field link0 result) $(field link19 result)" '2 2' 'a chain ends as a whole'

# ---- any-of
# shellcheck disable=SC2086
submit left $LONG true
LEFT=$ID
# shellcheck disable=SC2086
submit right $LONG true
RIGHT=$ID
# shellcheck disable=SC2086
submit any --dependency="any-of:afterok:$LEFT,afternotok:$RIGHT" $MOCK true
ANY=$KEY
# shellcheck disable=SC2086
submit none --dependency="any-of:afterok:$LEFT,afterok:$RIGHT" $MOCK true
NONE=$KEY
raise "$LEFT"
is "$(changes "$ANY") $(field any state)" 'add 2' 'any-of: one of two that cannot hold'
raise "$RIGHT"
wait_event clean "$ANY.eventlog"
is "$(changes "$ANY") $(field any result)" 'add remove 1' 'the other holds'
wait_event clean "$NONE.eventlog"
matches "$(note "$NONE")" 'any-of=after-success=.*[|]after-success=.* can never' \
	'none holds'

# ---- begin-time
# shellcheck disable=SC2086
submit soon --begin-time=+0.05s $MOCK true
matches "$("$weir" kvs get "$KEY.jobspec")" '"scheme": ?"begin-time"' \
	'--begin-time is a dependency'
wait_event clean
is "$(changes "$KEY") $(field soon result)" 'add remove 1' 'it holds in time'
"$weir" kvs eventlog get -u "$KEY.eventlog" | awk -F'[:,"]+' '
	/dependency-add/ { sub(/.*begin-time=/, ""); begin = $1 }
	/"priority"/ { print ($3 >= begin) }' >"$WORK/out"
is "$(cat "$WORK/out")" 1 'not before'
# shellcheck disable=SC2086
submit tomorrow --begin-time=tomorrow $MOCK true
is "$(field tomorrow state)" 2 'another day it waits'
TOMORROW=$KEY TOMORROW_ID=$ID
# shellcheck disable=SC2086
submit past --dependency=begin-time:1 $MOCK true
wait_event clean
is "$(field past result)" 1 'a time that is past holds'

# ---- singleton
one()
{
	"$weir" submit --env=-* --job-name="$1" --dependency=singleton \
		-S exec.test.run_duration="$2" true
}
A=$(one alone 1h)
A=$("$weir" job id "$A")
B=$("$weir" job id "$(one alone 1h)")
C=$("$weir" job id "$(one alone 0.001s)")
O=$("$weir" job id "$(one other 0.001s)")
wait_event clean "$(kvs_key "$O").eventlog"
ok $? 'singleton: another name does not matter'
is "$(events "$(kvs_key "$B")")" 'submit dependency-add validate' 'the second waits'
raise "$B"
is "$(events "$(kvs_key "$C")")" 'submit dependency-add validate' \
	'the third too, when the second has gone'
raise "$A"
wait_event clean "$(kvs_key "$C").eventlog"
is "$(field alone result)" 1 'until the first has ended'

# ---- refusals
refused()
{
	# shellcheck disable=SC2086
	submit bad $MOCK "$1" true
	is "$?:$(cat "$WORK/refused")" "1:weir-submit: ERROR: $2" "refused: $1"
}
refused --dependency=bogus:1 'dependency scheme "bogus" not supported'
refused --dependency=afterok:abc 'dependency: afterok: "abc" is not a valid jobid'
refused --dependency=afterok:f23 \
	'dependency: afterok: id ƒ23: job not found'
refused --dependency=begin-time:soon \
	'dependency: begin-time: "soon" is no number of seconds since 1970'
refused --dependency=afterok: 'dependency "afterok:": must be SCHEME:VALUE'
refused '--dependency=afterok:f1?x' \
	'dependency "afterok:f1?x": behind "?" must stand KEY=VALUE'
refused --dependency=singleton:x 'dependency: singleton: takes no value, got "x"'
refused --begin-time=never \
	"--begin-time: 'never' is neither +DURATION, -DURATION nor a date and time"
"$weir" submit --dependency=singleton true 2>"$WORK/refused"
is "$(cat "$WORK/refused")" \
	'weir-submit: ERROR: dependency: singleton: the job must have a name' \
	'singleton needs a name'

# ---- restart
# shellcheck disable=SC2086
submit before $LONG true
BEFORE=$ID
# shellcheck disable=SC2086
submit behind --dependency=afternotok:"$BEFORE" --dependency=after:"$BEFORE" $MOCK true
BEHIND=$KEY
D=$("$weir" job id "$(one twice 1h)")
E=$("$weir" job id "$(one twice 0.001s)")
kill_schedd KILL
start_schedd
ok $? 'schedd is killed and starts again'
is "$(changes "$BEHIND") $(field behind state)" 'add add remove 2' \
	'what was open still is'
is "$(changes "$TOMORROW") $(field tomorrow state)" 'add 2' 'so is a time'
raise "$BEFORE"
wait_event clean "$BEHIND.eventlog"
is "$(changes "$BEHIND") $(field behind result)" 'add add remove remove 1' \
	'and it goes on'
is "$(events "$(kvs_key "$E")")" 'submit dependency-add validate' \
	'a singleton waits on'
raise "$D"
wait_event clean "$(kvs_key "$E").eventlog"
is "$(field twice result)" 1 'until it may go'
raise "$TOMORROW_ID"
is "$(events "$TOMORROW")" 'submit dependency-add validate exception clean' \
	'a job that waits can be canceled'

kill_schedd TERM
is "$SCHEDD_STATUS" 0 'schedd ends when told to'
stop_kvsd
done_testing
