/** A shell asks the program itself for the words that fit, so a new verb is completed from its first day. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# splicectl for bash: source <(splicectl completion bash)
_splicectl() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _splicectl splicectl
`,
  zsh: `#compdef splicectl
# splicectl for zsh: source <(splicectl completion zsh)
_splicectl() {
  local -a found
  found=("\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "\${found[1]}" ]] && compadd -- "\${found[@]}" || _files
}
compdef _splicectl splicectl
`,
};

/** The shells that there is a script for. */
export const shells: readonly string[] = Object.keys(scripts);

/** A shell's script; undefined for a shell that there is none for. */
export function scriptFor(shell: string): string | undefined {
  return Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
}
