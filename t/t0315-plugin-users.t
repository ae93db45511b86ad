#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plug-ins and several users: who may load them, whose limits hold up whom, and
# the plug-in that the manual shows.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

[ "$(id -u)" -eq 0 ] || skip_all "needs root, to be several users"
command -v setpriv >/dev/null || skip_all "needs setpriv"

chmod 755 "$WORK"
mkdir -p "$WORK/bin" "$WORK/keys"
cp "$weir" "$builddir/t/tool/call" "$WORK/bin"

# as UID COMMAND...: with that user's own key
as()
{
	as_uid=$1
	shift
	(cd / && HOME=$WORK/$as_uid XDG_CONFIG_HOME=$WORK/$as_uid \
		WEIR_SIGN_MECHANISM=sodium \
		setpriv --reuid="$as_uid" --regid="$as_uid" --clear-groups "$@")
}

start_kvsd --allow-users && export WEIR_URI="local://$SOCKET" &&
	start_schedd --keydir="$WORK/keys"
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-7
"$weir" kvs get -W resource.R >"$WORK/out"
for uid in 12345 12346; do
	mkdir -m 700 "$WORK/$uid"
	chown $uid "$WORK/$uid"
	# makes the key
	as $uid "$WORK/bin/weir" submit --env=-* true >"$WORK/out" 2>&1
	cp "$(ls "$WORK/$uid"/weir/*.pub)" "$WORK/keys/$uid"
	chmod 644 "$WORK/keys/$uid"
done
LONG='exec.test.run_duration=1h'
probe=$builddir/t/tool/.libs/plugin_probe.so

# ---- who may
for verb in list 'load max-running' 'query max-running' 'remove all'; do
	# shellcheck disable=SC2086
	run as 12345 "$WORK/bin/weir" jobtap $verb
	ran 1 '' "*only the instance's owner may do that*" "not a user: $verb"
done

# submitted UID NAME OPTION...
submitted()
{
	submitted_uid=$1 submitted_name=$2
	shift 2
	as "$submitted_uid" "$WORK/bin/weir" submit --env=-* \
		--job-name="$submitted_name" -S "$LONG" "$@" true
}

# ---- limits
weir jobtap load "$builddir/schedd/plugins/.libs/max-running.so" limit=2 users.12346=1
for i in 1 2 3; do
	submitted 12345 a$i >"$WORK/out"
	submitted 12346 b$i >"$WORK/out"
done
call job-manager.ping '{}' >"$WORK/out"
is "$(weir jobs -An -f running -o '{name}' | sort | xargs)" 'a1 a2 b1' 'each user has a limit'
weir cancel "$(weir jobs -An --name=b1 -o '{id}')"
weir job wait-event -q "$(weir jobs -An --name=b2 -o '{id}')" start
is "$(weir jobs -An -f running -o '{name}' | sort | xargs)" 'a1 a2 b2' 'and gets on by the end of his own jobs'
weir jobtap remove max-running
call job-manager.ping '{}' >"$WORK/out"
is "$(weir jobs -An -f pending -o '{name}' | xargs)" '' 'nobody has one any more'
weir jobtap load "$builddir/schedd/plugins/.libs/submit-rate.so" limit=4 window=3000
submitted 12345 a4 >"$WORK/out"
ok $? 'jobs that are there count'
run submitted 12345 a5
like "$STATUS$ERR" '1*submit-rate: the user may submit 4 jobs in 3000 s*' 'a user has submitted enough'
run submitted 12346 b4
is "$STATUS" 0 'another has not'

# ---- changes
weir jobtap load --remove=all "$probe" wrong=update
weir queue stop --quiet -a
id=$(submitted 12345 slow -t 1h)
run as 12345 "$WORK/bin/weir" update "$id" duration=5m
like "$STATUS$ERR" '1*no update to 300 s*' 'a plug-in refuses what a user wants changed'
run weir update "$id" duration=5m
is "$STATUS" 0 'but not what the owner does'

# ---- the manual's
if command -v "${CC:-cc}" >/dev/null; then
	sed -n '/^#include <weir-plugin.h>/,/^\.Ed/p' "$srcdir/man/weir-plugin.7" |
		grep -v '^\.' >"$WORK/need.c"
	run "${CC:-cc}" -Wall -Werror -shared -fPIC -I"$srcdir/libclient" \
		-o "$WORK/need.so" "$WORK/need.c"
	ran 0 '' '' "the manual's plug-in can be built"
	weir jobtap load --remove=all "$WORK/need.so"
	run submitted 12345 forever
	ran 1 '' '*say how long it takes: use -t*' 'and does what it says'
	run submitted 12345 short -t 1m
	is "$STATUS" 0 'and no more'
else
	skip "the manual's plug-in" 'there is no compiler'
fi
kill_schedd TERM
is "$(grep -c 'Sanitizer' "$WORK/stderr")" 0 'no sanitizer found anything'
done_testing
