/**
 * What a shell is given to load. Each asks `cachewarden complete` for what fits, with the words so far as they are: nothing
 * that was typed is evaluated.
 */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const BASH = `# cachewarden completion for bash: source <(cachewarden completion bash)
_cachewarden() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		COMPREPLY+=("$line")
	done < <("\${COMP_WORDS[0]}" complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _cachewarden cachewarden
`;

const ZSH = `#compdef cachewarden
# cachewarden completion for zsh: source <(cachewarden completion zsh), or as _cachewarden in a folder of $fpath
_cachewarden() {
	local -a found
	found=("\${(@f)$("\${words[1]}" complete zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
	[[ -n "\${found[1]}" ]] && _describe -V cachewarden found
}
if [[ "\${zsh_eval_context[-1]}" == loadautofunc ]]; then
	_cachewarden "$@"
else
	compdef _cachewarden cachewarden
fi
`;

const FISH = `# cachewarden completion for fish: cachewarden completion fish | source
function __cachewarden_complete
	set -l words (commandline -opc)
	set -l last (commandline -ct)
	command $words[1] complete fish -- $words[2..-1] "$last" 2>/dev/null
end
complete -c cachewarden -e
complete -c cachewarden -f -k -a '(__cachewarden_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
