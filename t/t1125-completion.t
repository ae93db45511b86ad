#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion: weir --complete, and what bash, zsh and fish make of it.
. "${srcdir:-.}/t/tap.sh"

export WEIR_F58_FORCE_ASCII=1

# completes WORD...: the candidates for the last, on one line
completes()
{
	weir --complete weir "$@" 2>&1 | tr '\n' ' '
}

# ---- without an instance
is "$(completes bul)" 'bulksubmit ' 'a command'
is "$(completes mini bul)" 'bulksubmit ' 'in the older spelling'
is "$(completes -v bul)" 'bulksubmit ' 'behind an option'
is "$(completes help hostl)" 'hostlist ' 'a page'
is "$(completes job wait)" 'wait wait-event ' 'a subcommand of a command'
is "$(completes submit --tasks-per-)" '--tasks-per-node= --tasks-per-core= ' 'options with values'
is "$(completes submit -N1 --excl)" '--exclusive ' 'without'
is "$(completes job wait-event --match)" '--match-context= ' 'of a subcommand of a command'
matches "$(completes submit -)" '--help .*-n .*-l ' 'short ones'
is "$(completes submit ec)" '@commands ' 'a command of the shell'
is "$(completes submit -n 2 ec)" '@commands ' 'behind the value of an option'
is "$(completes submit -n2 echo --nt)" '@files ' 'whose words are its own'
is "$(completes submit -- echo x)" '@files ' 'behind --, too'
is "$(completes batch scr)" '@files ' 'a file'
is "$(completes submit --output=x)" '@files ' 'as a value'
is "$(completes submit --output x)" '@files ' 'in a word of its own'
is "$(completes submit -n 2)" '' 'a number is not known'
is "$(completes job kill --signal=US)" '--signal=USR1 --signal=USR2 ' 'signals'
is "$(completes job kill -s KI)" 'KILL ' 'behind a short option'
is "$(completes cancel f)" '' 'no instance, no jobs'
is "$(completes nope -)" '' 'an unknown command'
# each command answers, whatever it does else
weir --complete weir '' >"$WORK/commands"
while IFS= read -r word; do
	[ "$word" = help ] || weir --complete weir "$word" -- --hel ||
		echo "$word: $?"
	case $(weir --complete weir "$word" --hel) in
	--help) ;;
	*)
		for verb in $(weir --complete weir "$word" ''); do
			[ "$(weir --complete weir "$word" "$verb" --hel)" = --help ] ||
				echo "$word $verb"
		done
	esac
done <"$WORK/commands" >"$WORK/silent" 2>&1 </dev/null
is "$(cat "$WORK/silent")" '' 'every command answers'
is "$(weir --complete weir '' | wc -l)" \
	"$(grep -c '^SUBCOMMAND(' "$srcdir/cmd/subcommands.h")" 'all of them are known'

# ---- with one
start_instance || { ok 1 'an instance starts'; done_testing; }
id=$(weir submit --urgency=hold true)
done=$(weir run -v true 2>&1 | sed -n 's/jobid: //p')
weir job wait-event -q "$done" clean
weir kvs put config='{"queues":{"batch":{},"big":{},"debug":{}},
	"policy":{"jobspec":{"defaults":{"system":{"queue":"batch"}}}}}'
is "$(completes cancel f)" "$id " 'active jobs'
is "$(completes job attach f | wc -w)" 2 'all jobs'
is "$(completes submit -q b)" 'batch big ' 'queues'
is "$(completes submit --queue=b)" '--queue=batch --queue=big ' 'in one word'
is "$(completes queue start d)" 'debug ' 'as an argument'

# ---- bash
if command -v bash >/dev/null; then
	cat >"$WORK/complete.bash" <<'END'
compopt() { :; }
weir() { "$builddir/cmd/weir" "$@"; }
. "$srcdir/completion/weir.bash"
COMP_LINE=$1
COMP_POINT=${#COMP_LINE}
_weir
echo "${COMPREPLY[*]}"
END
	export srcdir builddir
	in_bash()
	{
		bash "$WORK/complete.bash" "$1"
	}
	is "$(in_bash 'weir bul')" bulksubmit 'bash: a command'
	is "$(in_bash 'weir submit --queue=b')" 'batch big' 'what follows the ='
	is "$(in_bash 'weir cancel ')" "$id" 'an empty word'
	mkdir "$WORK/here" && : >"$WORK/here/script.sh"
	is "$(cd "$WORK/here" && srcdir=$(cd "$OLDPWD" && cd "$srcdir" && pwd) \
		in_bash 'weir batch scr')" script.sh 'a file'
	like "$(in_bash 'weir run mkno')" 'mknod*' 'a command of the shell'
else
	skip 'bash' 'it is not there'
fi
for shell in zsh fish; do
	file=completion/weir.fish
	[ "$shell" = fish ] || file=completion/_weir
	if command -v $shell >/dev/null; then
		$shell -n "$srcdir/$file"
		ok $? "$shell: the script is well formed"
	else
		skip "$shell" 'it is not there'
	fi
done
weir cancel "$id"
stop_instance
is "$INSTANCE_STATUS" 0 'the instance stops'
done_testing
