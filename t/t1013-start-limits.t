#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir start hands quotas and the history's window to kvsd, and they stay with
# a statedir. weir-start(1).
. "${srcdir:-.}/t/tap.sh"

dir=$WORK/kept
other=$(($(id -u) + 1))

# The quotas that hold for another user's namespace, and the keys that it has.
shown()
{
	weir kvs namespace show theirs | sed -n -E \
		'/^(quota-keys|quota-bytes|history-versions|history-time)=/p' |
		paste -sd' '
}

start_instance --statedir="$dir" --history-versions=4 --history-time=3600 \
	--namespace-quota-keys=3 --namespace-quota-bytes=1000 \
	--user-quota-keys=5 --user-quota-bytes=1500 ||
	{ ok 1 'an instance starts'; done_testing; }
weir kvs namespace create -o "$other" theirs
weir kvs namespace create -o "$other" also
limits='quota-keys=3 quota-bytes=1000 history-versions=4 history-time=3600.000000'
is "$(shown)" "$limits" 'kvsd has the limits'
weir kvs put -N theirs a=1 b=2 c=3
run weir kvs put -N theirs d=4
like "$STATUS $ERR" '1 *namespace theirs has a quota of 3 keys and holds 3*' \
	'a namespace is limited'
run weir kvs put -N also a=1 b=2 c=3
like "$STATUS $ERR" "1 *user $other *quota of 5 keys and holds 3*" \
	'and a user'
run weir kvs put -N also "x=$(printf '%01100d' 0)"
like "$STATUS $ERR" '1 *quota of 1000 bytes*' 'in bytes, too'
for i in 1 2 3 4 5 6; do weir kvs put a=$i; done
first=$(($(weir kvs version) - 4))
run weir kvs get -a $((first - 1)) a
like "$STATUS $ERR" '1 *history starts at *' 'the history is limited'

# kvsd is started again with the same options.
kill -KILL "$(daemon_pid kvsd)"
waiting 'kvsd to be back'
until list=$(shown 2>/dev/null) && [ "$list" ]; do :; done
waited
is "$list" "$limits" 'a kvsd that was killed has them again'
stop_instance

# They are the folder's.
start_instance --statedir="$dir"
is "$(shown)" "$limits" 'a later start has them'
run weir kvs put -N theirs d=4
like "$STATUS $ERR" '1 *namespace theirs has a quota of 3 keys and holds 3*' \
	'and they hold'
stop_instance
start_instance --statedir="$dir" --namespace-quota-keys=4 \
	--history-time=none --user-quota-keys=none
is "$(shown)" 'quota-keys=4 quota-bytes=1000 history-versions=4 '\
'history-time=86400.000000' 'one can be changed, and taken back'
run weir kvs put -N theirs d=4
ran 0 '' '' 'there is room for another'
stop_instance
start_instance --statedir="$dir"
is "$(shown)" 'quota-keys=4 quota-bytes=1000 history-versions=4 '\
'history-time=86400.000000' 'which also stays'
stop_instance

# An instance without such a folder is not concerned, wherever it is.
run weir start --namespace-quota-keys=1 true
ran 0 '' '*' 'without a statedir'

# ---- what is wrong ----

for option in history-versions=-1 history-time=x namespace-quota-keys= \
	namespace-quota-bytes=1K user-quota-keys=1.5 user-quota-bytes=all; do
	run weir start --$option true
	like "$STATUS $ERR" "1 *--${option%%=*}: '${option#*=}' is neither a number nor none*" \
		"--$option is refused"
done
echo 'namespace-quota-keys many' >"$dir/limits"
run weir start --statedir="$dir" true
ran 1 '' "*$dir/limits: line 1 is no limit and its value*" 'a damaged file'
done_testing
