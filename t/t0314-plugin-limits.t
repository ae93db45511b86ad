#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The plug-ins max-running and submit-rate.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/schedd.sh"

start_kvsd && export WEIR_URI="local://$SOCKET" && start_schedd
ok $? 'kvsd and schedd start'
[ "$READY" = ready ] || done_testing
node_up 0 0-9
"$weir" kvs get -W resource.R >"$WORK/out"
MOCK='exec.test.run_duration=0.001s'
LONG='exec.test.run_duration=1h'
me=$(id -u)
plugins=$builddir/schedd/plugins/.libs

# configure NAME CONF [POLICY]
configure()
{
	weir kvs put "config={\"job-manager\":{\"searchpath\":\"$plugins\",\"plugins\":[{\"load\":\"$1\",\"conf\":$2}]},\"policy\":{\"queue-policy\":\"${3-fcfs}\"}}"
	call job-manager.ping '{}' >"$WORK/out"
}

# how many run, and wait
counts()
{
	call job-manager.ping '{}' >"$WORK/out"
	echo "$(weir jobs -n -f running -o '{id}' | wc -l) $(weir jobs -n -f pending -o '{id}' | wc -l)"
}

cancel_all()
{
	weir cancel -q --all
	weir queue drain
}

# ---- running jobs
for policy in fcfs easy conservative; do
	configure max-running '{"limit":2}' $policy
	# while nothing runs all of them come in line; two get on
	weir queue stop --quiet -a
	for i in 1 2 3 4; do
		submit job$i -t 1h -S "$LONG" true
	done
	submit first --urgency=20 -t 1h -S "$LONG" true
	weir queue start --quiet -a
	is "$(counts)" '2 3' "$policy: no more than the limit"
	is "$(weir jobs -n -f running -o '{name}' | sort | xargs)" 'first job1' "$policy: those of the highest priority"
	is "$(weir jobs -n -f pending -o '{annotations.sched.reason_pending}' | sort -u)" \
		'max-running: the user may have 2 running jobs' "$policy: the others say why"
	weir cancel "$(weir jobs -n --name=job1 -o '{id}')"
	"$weir" job wait-event -q "$(weir jobs -n --name=job2 -o '{id}')" start
	is "$(counts)" '2 2' "$policy: the next one starts when one has ended"
	configure max-running "{\"limit\":0,\"users\":{\"$me\":3}}" $policy
	is "$(counts)" '3 1' "$policy: another number for a user"
	configure max-running "{\"limit\":0,\"users\":{\"$(id -un)\":-1}}" $policy
	is "$(counts)" '4 0' "$policy: by name, none"
	configure max-running '{"limit":3}' $policy
	submit more -S "$LONG" true
	is "$(counts)" '4 1' "$policy: a lower one is no reason to end jobs"
	kill_schedd KILL
	start_schedd
	is "$(counts)" '4 1' "$policy: a restart counts again"
	like "$(weir jobtap query max-running)" "*\"running\": {\"$me\": 4}*" "$policy: and tells it"
	cancel_all
done

# ---- it may not start: what else is done with it
configure max-running '{"limit":0}'
submit gone -S "$LONG" true
weir cancel "$ID" && wait_event clean
is "$(events "$KEY")" 'submit validate depend priority exception clean' 'it can be cancelled'
submit held -S "$LONG" true
weir job urgency "$ID" hold
weir job urgency "$ID" default
weir queue stop --quiet -a
weir queue start --quiet -a
is "$(counts)" '0 1' 'or held, or its queue stopped'
submit one -S "$MOCK" true
weir queue stop --quiet -a
configure max-running '{"limit":1}'
is "$(counts)" '0 2' 'a stopped queue starts nothing'
weir queue start --quiet -a
is "$(counts)" '1 1' 'until it is started'
weir jobtap remove max-running
wait_event clean
is "$(counts)" '1 0' 'without the plug-in nothing waits'
cancel_all

# ---- many
configure max-running '{"limit":3}'
submit_array many --array=1-400 -S "$MOCK" true
wait_event clean
is "$(call job-list.job-stats '{}' | sed 's/.*"successful":\([0-9]*\).*/\1/')" 402 \
	'all elements of an array get their turn'

# ---- wrong configurations
for wrong in 'limit":-2|limit: must be a number, or -1 for no limit' \
	'limit":"x"|limit: must be a number' \
	'users":1|users: must be an object' \
	'users":{"nobody-there":1}|users.nobody-there: there is no such user' \
	'users":{"0":"x"}|users.0: must be a number' \
	'max":1|max: is unknown'; do
	configure max-running "{\"${wrong%|*}}"
	matches "$(cat "$WORK/stderr")" "config: plug-in max-running: its configuration: ${wrong#*|}" "max-running: ${wrong%|*}"
done

# ---- submissions
weir kvs put config='{}'
configure submit-rate '{"limit":3,"window":3000}'
for i in 1 2; do
	submit rate$i -S "$MOCK" true
done
submit_array rate3 --array=1-5 -S "$MOCK" true
ok $? 'as many jobs as the limit, an array is one'
submit above -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*submit-rate: the user may submit 3 jobs in 3000 s: try again in [23][0-9][0-9][0-9].[0-9] s*' \
	'the next is refused, and told when to try again'
like "$(weir jobtap query submit-rate)" "*\"submitted\": {\"$me\": 3}*" 'that is no submission'
run weir submit --cc=1-4 --env=-* -S "$MOCK" true
like "$STATUS$ERR" '1*submit-rate*' 'nor are several'
configure submit-rate "{\"limit\":1,\"window\":3000,\"users\":{\"$me\":5}}"
submit four -S "$LONG" true
submit five -S "$LONG" true
ok $? 'another number for a user'
submit six -S "$LONG" true
ok $((! $?)) 'but no more'
kill_schedd KILL
start_schedd
like "$(weir jobtap query submit-rate)" "*\"submitted\": {\"$me\": 2}*" 'a restart knows of active jobs'
configure submit-rate '{"limit":2,"window":0.05}'
until submit soon -S "$MOCK" true; do :; done
ok $? 'after the window jobs are taken again'
configure submit-rate '{"limit":0}'
submit none -S "$MOCK" true
like "$?$(cat "$WORK/refused")" '1*submit-rate: the user may submit no jobs*' 'none at all'
for wrong in 'window":0|window: must be a number of seconds' \
	'window":"1m"|window: must be' 'rate":1|only limit, users and window'; do
	configure submit-rate "{\"${wrong%|*}}"
	matches "$(cat "$WORK/stderr")" "config: plug-in submit-rate: its configuration: ${wrong#*|}" "submit-rate: ${wrong%|*}"
done
kill_schedd TERM
is "$(grep -c 'Sanitizer' "$WORK/stderr")" 0 'no sanitizer found anything'
done_testing
