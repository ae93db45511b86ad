# SPDX-License-Identifier: Apache-2.0
# Completion of weir(1) in fish: weir itself knows what can stand there.

function __weir_complete
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l value (string replace -r '^--[^=]*=' '' -- $current)
	set -l before (string replace -- $value '' $current)
	for candidate in (command $words[1] --complete $words "$current" 2>/dev/null)
		switch $candidate
			case @files
				__fish_complete_path $value | string replace -r '^' -- "$before"
			case @commands
				__fish_complete_command
			case '*'
				echo $candidate
		end
	end
end

complete -c weir -f -a '(__weir_complete)'
