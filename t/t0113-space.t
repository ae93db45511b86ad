#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Space: what is not needed is removed, by itself and when asked for. kvsd(8).
. "${srcdir:-.}/t/tap.sh"

# N commits of a value of 40 KB each, all different.
churn()
{
	{
		printf 'a hello\n'
		i=1
		while [ $i -le "$1" ]; do
			head -c 40000 /dev/urandom >"$WORK/c$i"
			printf '%s\n' "a raw c$i put - churn.k$((i % 5)) {40000}\\n" \
				"a file $WORK/c$i" 'a send' "a until c$i"
			i=$((i + 1))
		done
	} >"$WORK/script"
	talk <"$WORK/script" | grep -c '^c[0-9]* ok'
	rm -f "$WORK"/c[0-9]*
}

start_kvsd || ok 1 "kvsd starts"
export WEIR_URI="local://$SOCKET"
is "$(churn 20)" 20 "values are written"
run weir kvs gc
like "$STATUS $OUT" '0 removed 0 blobs of 0 bytes in *' \
	"what history has is not removed"
run weir kvs unlink -R churn
run weir kvs gc --quiet
ran 0 '' '' "gc --quiet"
got=$(printf '%s\n' 'a hello' 'a send 1 put - a {1}\n1' 'a send 2 gc' \
	'a until 2' 'a send 3 gc' 'a send 3b gc' 'a send 4 cancel 3' \
	'a until 4' 'a until 3b' 'a send 5 get - a' 'a until 5' | talk)
matches "$got" '^2 ok blobs=[0-9]* bytes=[0-9]* marked=[0-9]* swept=[0-9]* removed=[0-9]* removed-bytes=[0-9]* seconds=[0-9.]* longest=' "gc"
matches "$got" '^3 err ECANCELED' "one that is canceled"
matches "$got" '^3b ok' "does not end the others"
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
