/**
 * The scripts with which bash, zsh and fish ask the program itself what a line may go on with
 * (completion.ts). Each leaves it to its shell to pick what begins as typed, and to quote it.
 *
 * @module
 */

/** For the program called `name`; `ask` is the command line that answers, less the words. */
interface Script {
  readonly name: string;
  readonly func: string;
  readonly ask: string;
}

const SCRIPTS = {
  bash: ({ name, func, ask }: Script) =>
    `# bash completion for ${name}: source it, or write it to
# ~/.local/share/bash-completion/completions/${name}
${func}() {
  local word typed="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  [[ $typed == = ]] && typed=""
  while IFS=$'\\t' read -r word _; do
    if [[ $word == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$typed")
    elif [[ $word == "$typed"* ]]; then
      COMPREPLY+=("$(printf %q "$word")")
    fi
  done < <(${ask} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F ${func} ${name}
`,
  zsh: ({ name, func, ask }: Script) =>
    `#compdef ${name}
# zsh completion for ${name}: write it to a file named _${name} in a directory of \$fpath
${func}() {
  local line
  local -a described
  for line in "\${(@f)$(${ask} "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      compset -P '--*='
      _files
      return
    fi
    described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe value described
}
if [[ "$funcstack[1]" == _${name} ]]; then
  ${func} "$@"
else
  compdef ${func} ${name}
fi
`,
  fish: ({ name, func, ask }: Script) =>
    `# fish completion for ${name}: write it to ~/.config/fish/completions/${name}.fish
function ${func}
  set -l typed (commandline -ct)
  set -l found (${ask} (commandline -opc)[2..] "$typed" 2>/dev/null)
  if test "$found" = :files
    set -l flag (string match -r '^--[^=]*=' -- $typed)
    printf "$flag%s\\n" (__fish_complete_path (string replace -- "$flag" '' $typed))
  else
    printf '%s\\n' $found
  end
end
complete -c ${name} -f -a '(${func})'
`,
};

export type Shell = keyof typeof SCRIPTS;
export const SHELLS = Object.keys(SCRIPTS) as Shell[];

/** Returns what makes `shell` complete the command lines of the program called `name`. */
export function completionScript(shell: Shell, name: string): string {
  const func = `_${name.replaceAll("-", "_")}`;
  return SCRIPTS[shell]({ name, func, ask: `${name} completion words --` });
}
