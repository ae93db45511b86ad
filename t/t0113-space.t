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
stop_kvsd
is "$KVSD_STATUS" 0 "the server is well"
done_testing
