#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# schedd and several users: whose signature counts, who sees and does what.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root, to be several users"
command -v setpriv >/dev/null || skip_all "needs setpriv"

# Where the build is others may not look, so they get copies.
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
		WEIR_SIGN_MECHANISM=${MECHANISM-sodium} \
		setpriv --reuid="$as_uid" --regid="$as_uid" --clear-groups "$@")
}

start_kvsd --allow-users && export WEIR_URI="local://$SOCKET" &&
	start_schedd --keydir="$WORK/keys"
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0

# ---- signatures
MECHANISM=none as 12345 "$WORK/bin/weir" submit --env=-* true 2>"$WORK/refused"
is "$?" 1 'without a signature nobody else may submit'
as 12345 "$WORK/bin/weir" submit --env=-* true 2>"$WORK/refused"
is "$?" 1 'a key that nobody registered is refused'
cp "$(ls "$WORK"/12345/weir/*.pub)" "$WORK/keys/12345"
chmod 644 "$WORK/keys/12345"
as 12345 "$WORK/bin/weir" submit --job-name=theirs --env=-* true >"$WORK/out" 2>"$WORK/refused"
is "$?" 0 'a registered one is not'
ID=$(field theirs id) KEY=$(kvs_key "$ID")
is "$(field theirs userid)" 12345 'the job is that user'"'"'s'
wait_event alloc
matches "$("$weir" kvs namespace list)" "^job-$ID +12345 " 'so is its namespace'
J=$("$weir" kvs get "$KEY.J")
as 12346 "$WORK/bin/call" job-ingest.submit "{\"J\":\"$J\"}" 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" '^EPERM: ' 'another user cannot send it'
as 12345 "$WORK/bin/weir" submit --urgency=17 --env=-* true 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" 'only the instance.s owner' 'high urgency is the owner'"'"'s'

# ---- who sees what
submit ours --urgency=0 true
OURS=$ID
is "$(as 12345 "$WORK/bin/weir" job journal -P -e submit | sed 's/.*userid=\([0-9]*\).*/\1/')" \
	12345 'the journal has one'"'"'s own jobs only'
is "$("$weir" job journal -P -e submit | wc -l | tr -d ' ')" 2 \
	'for the owner it has all'
as 12345 "$WORK/bin/weir" submit --dependency=afterany:"$OURS" --env=-* true 2>"$WORK/refused"
matches "$(cat "$WORK/refused")" 'dependency: afterany: id .*: the job is another user' \
	'nobody depends on another user'"'"'s job'
ID=$(field theirs id) KEY=$(kvs_key "$ID")
is "$(as 12345 "$WORK/bin/call" job-list.list '{"attrs":["name"]}' |
	grep -o '"name":"[a-z]*"' | xargs)" 'name:theirs' 'a user sees own jobs'
is "$(as 12346 "$WORK/bin/call" job-list.list '{"attrs":["name"]}')" \
	'{"jobs":[]}' 'another sees none'
is "$(as 12346 "$WORK/bin/call" job-list.list-id "{\"id\":$ID}" 2>&1)" \
	'ENOENT: no such job' 'not by its id either'
matches "$(as 12345 "$WORK/bin/call" job-info.lookup "{\"id\":$ID,\"keys\":[\"R\"]}")" \
	'"R":' 'a user can read own keys'
for method in 'job-info.lookup "keys":["R"]' 'job-info.eventlog-watch "path":"eventlog"' \
	'job-manager.raise "type":"cancel","severity":0' \
	'job-manager.kill "signum":9' 'job-manager.urgency "urgency":3'; do
	is "$(as 12346 "$WORK/bin/call" "${method%% *}" "{\"id\":$ID,${method#* }}" 2>&1)" \
		"EPERM: the job is another user's" "${method%% *} of another is refused"
done
is "$(as 12345 "$WORK/bin/call" job-manager.raise \
	"{\"id\":$OURS,\"type\":\"cancel\",\"severity\":0}" 2>&1)" \
	"EPERM: the job is another user's" 'of the owner, too'

# ---- who may act
as 12345 "$WORK/bin/call" -s job-info.eventlog-watch \
	"{\"id\":$ID,\"path\":\"eventlog\"}" >"$WORK/watched" & WATCH=$!
note_pid $WATCH
report 0 start '{"pid":1}'
is "$(as 12345 "$WORK/bin/call" job-manager.raise \
	"{\"id\":$ID,\"type\":\"cancel\",\"severity\":0}")" '{}' 'a user cancels an own job'
report 0 finish '{"status":15}'
wait_event clean
wait $WATCH
is "$(grep -c '^{"event":' "$WORK/watched")" 11 'and follows its events'
matches "$("$weir" kvs eventlog get -u "$KEY.eventlog")" \
	'"type":"cancel","severity":0,"note":"","userid":12345' 'which say who it was'

kill_schedd TERM
stop_kvsd
done_testing
