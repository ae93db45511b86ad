#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir watch: jobs by id and by selection, output, labels, exit code.
# shellcheck disable=SC2016	# single quotes: the job's shell expands
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1
start_instance || { ok 1 'an instance starts'; done_testing; }

run weir watch --active
ran 0 '' '' 'no job is selected'
a=$(weir submit sh -c 'echo out a; echo err a >&2')
b=$(weir submit --dependency=after:"$a" sh -c 'echo out b; exit 3')
run weir watch "$a" "$b"
is "$STATUS $(echo "$OUT" | sort | xargs) $ERR" '3 out a out b err a' \
	'jobs by their ids: output, and the greatest exit code'
run weir watch -l "$a"
ran 0 "$a: 0: out a" "$a: 0: err a" '--label-io'
run weir watch -A
is "$STATUS $(echo "$OUT" | sort | xargs)" '3 out a out b' '--all: those that have ended, too'
run weir watch --all --count=1 -v
ran 3 'out b' 'weir-watch: watching 1 job' '--count: the newest'
run weir watch --filter=completed
ran 0 'out a' 'err a' '--filter'
run weir watch --since=-1h
is "$STATUS $(echo "$OUT" | sort | xargs)" '3 out a out b' '--since'
# one that runs, one that waits for it
c=$(weir submit sh -c 'echo begun; while [ ! -e "$0" ]; do sleep 0.05; done; echo over' "$WORK/go")
d=$(weir submit --dependency=afterok:"$c" echo last)
weir watch --active >"$WORK/watched" 2>"$WORK/watched.err" &
watcher=$!
weir job wait-event -q "$c" start
: >"$WORK/go"
await 'weir watch' $watcher
is "$? $(xargs <"$WORK/watched") $(cat "$WORK/watched.err")" '0 begun over last ' \
	'jobs that run and wait are followed to their end'
e=$(weir submit --urgency=hold true)
weir cancel -m 'not wanted' "$e"
run weir watch "$e"
like "$STATUS $OUT $ERR" "1  $e: exception: type=cancel note=not wanted" \
	'a job that never ran'
run weir watch --progress "$d"
ran 0 last 'weir: WARNING: stderr is not a tty. Ignoring --progress option' \
	'a bar needs a terminal'
run weir watch 123
ran 1 '' 'weir-watch: ERROR: *: unknown job id' 'an unknown job'
run weir watch 'x!'
ran 2 '' "weir-watch: invalid JobID value: 'x!'*" 'an id that is none'
run weir watch
ran 2 '' 'weir-watch: job ids are needed, or --active, *' 'nothing is selected'
run weir watch --active "$a"
ran 2 '' "weir-watch: job ids and options that select jobs can't be used together*" 'both'
run weir watch --filter=odd
ran 2 '' "weir-watch: --filter: 'odd' is no state or result*" 'a filter that is none'
run weir watch --since=+1h
ran 2 '' "weir-watch: --since: '+1h' is in the future*" 'the future'
run weir watch --count=0
ran 2 '' "weir-watch: --count: '0' is no number from 1 on*" 'no job at all'
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
