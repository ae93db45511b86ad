#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# weir top: what it shows, and its keys. What is typed before it is ready
# waits in the terminal.
. "${srcdir:-.}/t/tap.sh"

command -v script >/dev/null || skip_all 'there is no script(1)'
export WEIR_F58_FORCE_ASCII=1
start_instance -s2 || { ok 1 'an instance starts'; done_testing; }

# top KEYS [OPTION...]: the lines of all pictures; STATUS
top()
{
	keys=$1
	shift
	waiting "weir top $*"
	printf '%b' "$keys" | script -qec "stty rows 20 cols 100;
		exec '$builddir/cmd/weir' top $*" /dev/null >"$WORK/pictures" 2>&1
	STATUS=$?
	waited
	OUT=$(tr -d '\r' <"$WORK/pictures" | sed 's/\x1b\[H/\n/g;
		s/\x1b\[[?0-9]*[a-zA-Z]//g')
}

run weir top </dev/null
ran 1 '' 'weir-top: stdin is not a terminal' 'no terminal'
top q
is "$STATUS" 0 'it ends'
matches "$OUT" '^weir +owner .* depth 0 +up ' 'the head'
matches "$OUT" '^ +nodes \[ +\] 0/2$' 'nodes'
matches "$OUT" '^ +cores \[ +\] 0/[0-9]+$' 'cores'
matches "$OUT" '^0 pending, 0 running, 0 inactive$' 'jobs'
weir kvs put config='{"queues":{"a":{},"b":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"a"}}}}}'
weir queue start --all --quiet
weir run true
one=$(weir submit --job-name=one -N2 sleep 1000)
weir job wait-event -q "$one" start
weir submit -q b --job-name=two -N2 sleep 1000 >"$WORK/id"
top q
matches "$OUT" '^ +nodes \[\|+\] 2/2$' 'nodes in use'
matches "$OUT" '^1 pending, 1 running, 1 inactive$' 'jobs in both states'
matches "$OUT" "^ +$one a .* R +2 +2 .* one\$" 'one that runs'
is "$(echo "$OUT" | grep -c ' two$')" 1 'one that waits'
top dq
matches "$OUT" '^1 pending, 1 running, 1 completed, 0 failed, 0 canceled, 0 timed out$' \
	'd: how they ended'
top q -q b
is "$(echo "$OUT" | grep -c ' one$') $(echo "$OUT" | grep -c ' two$')" '0 1' '--queue'
matches "$OUT" 'queue b$' 'is in the head'
top lq
matches "$OUT" 'queue a$' 'l: the next queue'
top llhhq
is "$(echo "$OUT" | grep -c 'queue [ab]$')" 3 'h: the one before'
top 'j\033[Akq'
is "$STATUS" 0 'up and down'
top '\nq'
matches "$OUT" 'the job runs no instance' 'enter: a job without an instance'
weir cancel "$one" "$(cat "$WORK/id")"
outer=$(weir alloc --bg -n1 --job-name=outer sleep 1000)
WEIR_URI=$(weir uri --wait "$outer") weir submit --job-name=inside --urgency=hold true >/dev/null
top '\nqq'
matches "$OUT" "^$outer +owner .* depth 1" 'enter: a job with one'
is "$STATUS $(echo "$OUT" | grep -c ' inside$')" '0 1' 'its jobs; q leads back'
top q "$outer"
is "$(echo "$OUT" | grep -c ' inside$')" 1 'a target'
top q nope!
is "$STATUS" 1 'none'
top x -q
is "$STATUS" 1 'a wrong option'
# typed when it listens: before, it would be the shell's
mkfifo "$WORK/typed" "$WORK/said"
script -qec "exec '$builddir/cmd/weir' top" /dev/null <"$WORK/typed" >"$WORK/said" &
pid=$!
note_pid $pid
exec 8>"$WORK/typed" 9<"$WORK/said"
waiting 'a picture'
head -c 200 <&9 >/dev/null
printf '\003' >&8
cat <&9 >"$WORK/pictures"
waited
await script $pid
is "$?" 0 'Ctrl-C ends it, too'
exec 9<&- 8>&-
like "$(tail -c 100 "$WORK/pictures")" '*[[]?25h*[[]?1049l*' 'the terminal is as it was'
weir cancel "$outer"
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
