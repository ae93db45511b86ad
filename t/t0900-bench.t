#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir bench: each case, tiny, gives the figures that weir-bench(1) promises, in
# either form. How fast is not tested.
. "${srcdir:-.}/t/tap.sh"
. "$srcdir/t/bench/figures.sh"

# bench ARGUMENT...: in the kvsd of this test.
bench()
{
	what="bench $*"
	"$weir" bench --json "$@" >out 2>err
}

start_kvsd
ok $? 'kvsd starts'
export WEIR_URI="local://$SOCKET"
kvs='kvs.commit.serial kvs.commit.pipelined kvs.get.serial kvs.get.pipelined
kvs.value.in kvs.value.out'
kvs=$(echo $kvs)

bench kvs -n20 --no-baseline
figures $kvs
is "$(grep -Ev '"baseline":0\.0,"ratio":0\.0,' out)" '' \
	'no baseline is measured when none is wanted'
bench -w4 -d3 kvs -s1000 -n20
matches "$(cat out)" '^\{"name":"base\.lmdb\.put",' \
	'the baselines are figures too'
if command -v redis-server >/dev/null; then
	matches "$(cat out)" \
		'"kvs.commit.serial".*"baseline_name":"redis SET, synced"' \
		'redis is what commits are compared with'
	matches "$(cat out)" '"base.redis.get.pipelined","value":[1-9]' \
		'and all of it is measured'
else
	skip 'redis is what commits are compared with' 'it is not installed'
fi
grep -v -e '"base\.' -e '"kvs\.value\.out"' out >out2
mv out2 out
figures ${kvs% *}
sed -i '/"kvs\.value/d' out
is "$(grep -Ev '"baseline":[1-9].*"n":20,.*"p50_ms":.*"max_ms":' out)" '' \
	'baseline, number and times'
bench -w1 -n1 kvs --no-baseline
figures $kvs
bench event -n20
figures event.latency event.rate event.rate-deaf
bench watch -n20
figures watch.latency watch.rate watch.latency-deaf
bench herd -n20
figures herd.watch-memory herd.notify herd.connection-memory \
	herd.connections-notify
PATH="$WORK" "$weir" bench kvs -n5 >out 2>err
ok $? 'without redis there are figures too'
matches "$(cat err)" 'redis-server is not installed' 'and a message'
is "$("$weir" kvs ls | grep '^bench')" '' 'no key is left behind'

"$weir" bench event watch -n3 --no-baseline >out 2>err
ok $? 'a table of two cases' || diag "$(cat err)"
matches "$(head -1 out)" '^NAME +VALUE +UNIT' 'the table has a heading'
is "$(wc -l <out)" 7 'and a line a figure'

for bad in '' nothing 'kvs -n0' 'kvs -n1x' 'kvs -s70000' 'kvs --what'; do
	# shellcheck disable=SC2086
	"$weir" bench $bad >out 2>err
	is "$? $(cat out)" '1 ' "refused: bench $bad"
	matches "$(cat err)" '^weir-bench: ' 'with a message'
done
stop_kvsd
"$weir" bench kvs >out 2>err
is $? 1 'no instance: exit code'
matches "$(cat err)" "$SOCKET" 'no instance: the message says where'
unset WEIR_URI

start_kvsd --durability=none
WEIR_URI="local://$SOCKET" bench kvs -n20 --no-baseline
figures kvs.commit.serial.nosync kvs.commit.pipelined.nosync \
	kvs.get.serial kvs.get.pipelined kvs.value.in kvs.value.out
stop_kvsd

done_testing
