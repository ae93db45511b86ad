#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Job arrays of several users, their limits, and what is purged of them.
# weir-jobs(7), section Arrays.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root, to be several users"
command -v setpriv >/dev/null || skip_all "needs setpriv"

chmod 755 "$WORK"
mkdir -p "$WORK/bin" "$WORK/keys" "$WORK/12345" "$WORK/12346"
cp "$weir" "$builddir/t/tool/call" "$WORK/bin"
chown 12345 "$WORK/12345"
chown 12346 "$WORK/12346"
chmod 700 "$WORK/12345" "$WORK/12346"

# as UID COMMAND...: with that user's own key
as()
{
	as_uid=$1
	shift
	(cd / && HOME=$WORK/$as_uid XDG_CONFIG_HOME=$WORK/$as_uid \
		WEIR_SIGN_MECHANISM=sodium PATH="$WORK/bin:$PATH" \
		setpriv --reuid="$as_uid" --regid="$as_uid" --clear-groups "$@")
}

# The JSON of an id: dec ID
dec()
{
	"$weir" job id --to=dec "$1"
}

# How the elements of ARRAY stand: states NAME
states()
{
	"$weir" jobs -Ano '{id} {status_abbrev}' --name="$1" |
		sed 's/^[^[]*//' | sort | xargs
}

start_kvsd --allow-users && export WEIR_URI="local://$SOCKET" &&
	start_schedd --keydir="$WORK/keys"
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-7
LONG='-S exec.test.run_duration=1h'
for uid in 12345 12346; do
	as $uid weir submit --env=-* true >/dev/null 2>&1
	cp "$(ls "$WORK"/$uid/weir/*.pub)" "$WORK/keys/$uid"
	chmod 644 "$WORK/keys/$uid"
done

# ---- one user's array and another's
# shellcheck disable=SC2086
ARRAY=$(as 12345 weir submit --job-name=theirs --env=-* --array=1-9%2 $LONG true)
ok $? 'a user submits an array, signed once'
wait_event alloc "$("$weir" job id --to=kvs "${ARRAY}[2]").eventlog"
is "$(states theirs)" '[1] R [2] R [3-9] S' 'its elements are the user'"'"'s'
is "$(as 12346 weir jobs -Ano '{id}')" '' 'others do not see it'
for method in job-manager.raise job-manager.urgency job-info.lookup \
	job-manager.kill job-list.list-id; do
	as 12346 call $method "{\"id\":$(dec "${ARRAY}[5]"),\"type\":\"cancel\",\
\"urgency\":1,\"signum\":9,\"keys\":[\"J\"]}" >"$WORK/out" 2>"$WORK/refused"
	matches "$(cat "$WORK/refused")" '^(ENOENT|EPERM): ' "nor may call $method"
done
as 12346 weir submit --env=-* --dependency=afterany:"${ARRAY}[5]" true \
	2>"$WORK/refused"
is $? 1 'nor depend on an element'
is "$(states theirs)" '[1] R [2] R [3-9] S' 'and that made no element'
as 12345 weir cancel "${ARRAY}[5]"
ok $? 'the user may cancel one'
is "$(as 12345 weir job eventlog "${ARRAY}[5]" | awk '{ print $2 }' | xargs)" \
	'submit dependency-add validate exception clean' 'and see its events'
as 12345 weir job eventlog "${ARRAY}[7]" >/dev/null
is "$(states theirs)" '[1] R [2] R [3-4,6,8-9] S [7] D' \
	'to look at one is to make it'
"$weir" cancel "$ARRAY"
ok $? "the instance's owner may cancel it"
wait_event clean "$("$weir" job id --to=kvs "$ARRAY").eventlog"
as 12345 weir job eventlog "${ARRAY}[9]" >"$WORK/out"
is "$(awk '{ print $2 }' "$WORK/out" | xargs)" \
	'submit validate depend priority exception clean' \
	'what was never made has the events of the array'
as 12346 weir job eventlog "${ARRAY}[9]" >"$WORK/out" 2>&1
is $? 1 'for its user only'

# ---- a queue's limit of active jobs, and its end
"$weir" kvs put config='{"queues":{"few":{"policy":{"limits":{"active-jobs":3}}}}}'
call job-manager.queue-start '{"name":"few","start":true}' >/dev/null
submit_array few -q few --array=1-9 -S exec.test.run_duration=1h true
ok $? 'an array in a queue with a limit of three active jobs'
wait_event alloc "$("$weir" job id --to=kvs "${ARRAY}[3]").eventlog"
is "$(states few)" '[1] R [2] R [3] R [4-9] S' 'has three active elements'
"$weir" cancel "${ARRAY}[2]"
wait_event alloc "$("$weir" job id --to=kvs "${ARRAY}[4]").eventlog"
is "$(states few)" '[1] R [3] R [4] R [5-9] S' 'one comes as one goes'
call job-manager.queue-start '{"name":"few","start":false}' >/dev/null
"$weir" cancel "${ARRAY}[1]"
wait_event clean "$("$weir" job id --to=kvs "${ARRAY}[1]").eventlog"
is "$(states few | sed 's/.*\[6-9\]/[6-9]/')" '[6-9] S' \
	'a queue that is stopped gives none resources'
call job-manager.queue-start '{"name":"few","start":true}' >/dev/null
wait_event alloc "$("$weir" job id --to=kvs "${ARRAY}[5]").eventlog"
ok $? 'until it is started'
"$weir" cancel "$ARRAY"
wait_event clean "$("$weir" job id --to=kvs "$ARRAY").eventlog"

# ---- purged while it goes on
"$weir" kvs put config='{"queues":{"few":{}},
	"job-manager":{"inactive-num-limit":10}}'
submit_array many -q few --array=1-500 -S exec.test.run_duration=0.001s true
wait_event clean
ok $? 'an array of which few elements are kept'
is "$("$weir" kvs get "$KEY.elements")" \
'{"apart":"","status":0,"completed":500,"failed":0,"canceled":0,"timeout":0}' \
	'ends, and has counted all'
is "$("$weir" jobs -no '{result}' "$ARRAY")" COMPLETED 'as completed'
while "$weir" jobs "${ARRAY}[1]" >/dev/null 2>"$WORK/refused"; do
	"$weir" kvs put turn=1	# the oldest go in the course of some turns
done
matches "$(cat "$WORK/refused")" unknown 'one that was purged is unknown'
done_testing
