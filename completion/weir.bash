# SPDX-License-Identifier: Apache-2.0
# Completion of weir(1) in bash: weir itself knows what can stand there.

_weir()
{
	local line=${COMP_LINE:0:COMP_POINT} cur candidate prefix
	local -a words

	# as the shell would split it, but = and : do not end a word
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] || ${#words[@]} -eq 0 ]] && words+=('')
	cur=${words[-1]}
	# bash replaces only what follows the last of these
	prefix=
	[[ $cur == *=* ]] && prefix=${cur%%=*}=
	COMPREPLY=()
	while IFS= read -r candidate; do
		case $candidate in
		@files)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${cur#"$prefix"}")
			;;
		@commands)
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			;;
		*)
			[[ $candidate == *= ]] && compopt -o nospace
			COMPREPLY+=("${candidate#"$prefix"}")
			;;
		esac
	done < <("${words[0]}" --complete "${words[@]}" 2>/dev/null)
}

complete -F _weir weir
