/**
 * What makes bash, zsh and fish complete a command line, made from the commands themselves.
 *
 * @module
 */
import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** The commands whose argument is an entry's name. */
const OF_ENTRIES = ["fire", "pause", "resume"];

/** One command as the scripts see it; `words` lead to it. */
interface Known {
  readonly words: readonly string[];
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly KnownOption[];
  readonly takesEntry: boolean;
}

interface KnownOption {
  readonly flag: string;
  readonly description: string;
  /** Null where it takes no value. */
  readonly values: readonly string[] | "file" | "entry" | "any" | null;
}

/** @param program with all its commands */
export function completionScript(shell: Shell, program: Command): string {
  const name = program.name();
  const all = known(program, []);
  const script = { bash, zsh, fish }[shell];
  return script(name, all);
}

function known(command: Command, words: readonly string[]): Known[] {
  const [own] = words.slice(-1);
  // What stands without a command is for `run`.
  const running = words.length === 0
    ? command.commands.find((each) => each.name() === "run")
    : command;
  const commands = command.commands.filter((each) => each.name() !== "help");
  return [{
    words,
    description: command.description(),
    commands: commands.map((each) => ({ name: each.name(), description: each.description() })),
    options: [...(running?.options ?? []).map(knownOption), {
      flag: "--help",
      description: "display help",
      values: null,
    }],
    takesEntry: own !== undefined && OF_ENTRIES.includes(own),
  }, ...commands.flatMap((each) => known(each, [...words, each.name()]))];
}

function knownOption({ long, description, argChoices, required, optional, flags }: Option) {
  const isFile = /<(path|file|files|directory)>/.test(flags);
  const values = !(required || optional)
    ? null
    : argChoices ?? (isFile ? "file" : long === "--entry" ? "entry" : "any");
  return { flag: long!, description, values } satisfies KnownOption;
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function bash(name: string, all: readonly Known[]): string {
  const func = `_${name.replaceAll("-", "_")}`;
  const cases = all.map(({ words, commands, options, takesEntry }) => {
    const flags = options.map(({ flag }) => flag).join(" ");
    const names = commands.map((each) => each.name).join(" ");
    return `    ${quote(words.join(" "))})
      flags=${quote(flags)} names=${quote(names)} entries=${takesEntry ? 1 : ""} ;;`;
  });
  const values = new Map<string, KnownOption["values"]>();
  for (const { options } of all) for (const each of options) values.set(each.flag, each.values);
  const valueCases = [...values].flatMap(([flag, of]) => {
    if (of === null) return [];
    const reply = of === "file"
      ? 'COMPREPLY=($(compgen -f -- "$current"))'
      : of === "entry"
      ? "_entries=1"
      : of === "any"
      ? ":"
      : `COMPREPLY=($(compgen -W ${quote(of.join(" "))} -- "$current"))`;
    const end = of === "entry" ? "" : "; return";
    return [`    ${flag}) ${reply}${end} ;;`];
  });
  return `# bash completion for ${name}: source it, or write it to
# ~/.local/share/bash-completion/completions/${name}
${func}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}"
  local command="" config="" flags="" names="" entries="" _entries="" word at
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    [[ \${COMP_WORDS[at - 1]} == --config ]] && config="$word"
    case "$command $word" in
${
    all.filter(({ words }) => words.length > 0).map(({ words }) =>
      `      ${quote(`${words.slice(0, -1).join(" ")} ${words.at(-1)}`)}) command=${
        quote(words.join(" "))
      } ;;`
    ).join("\n")
  }
    esac
  done
  case "$before" in
${valueCases.join("\n")}
  esac
  case "$command" in
${cases.join("\n")}
  esac
  if [[ -n $_entries || ( -n $entries && $current != -* ) ]]; then
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(${name} completion entries \${config:+--config "$config"} 2>/dev/null)" -- "$current"))
  elif [[ $current == -* || -z $names ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
    [[ $current != -* ]] && COMPREPLY+=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$names" -- "$current"))
  fi
}
complete -F ${func} ${name}
`;
}

function zsh(name: string, all: readonly Known[]): string {
  const func = (words: readonly string[]) =>
    `_${[name, ...words].join("_").replaceAll(/[^a-z\d]/g, "_")}`;
  const text = (description: string) => description.replaceAll(/[[\]:\\]/g, "\\$&");
  const functions = all.map(({ words, commands, options, takesEntry }) => {
    const specs = options.map(({ flag, description, values }) => {
      const action = values === null
        ? ""
        : values === "file"
        ? ":file:_files"
        : values === "entry"
        ? `:entry:${func(["entries"])}`
        : values === "any"
        ? ":value: "
        : `:value:(${values.join(" ")})`;
      return `    ${quote(`${flag}[${text(description)}]${action}`)}`;
    });
    const rest = commands.length > 0
      ? [`    '1:command:->command'`, `    '*::argument:->argument'`]
      : [takesEntry ? `    '*:entry:${func(["entries"])}'` : `    '*:file:_files'`];
    const described = commands.map((each) =>
      `      ${quote(`${each.name}:${text(each.description)}`)}`
    );
    const dispatch = commands.map((each) =>
      `        ${each.name}) ${func([...words, each.name])} ;;`
    );
    const states = commands.length === 0 ? "" : `
  case "$state" in
    command)
      local -a commands=(
${described.join("\n")}
      )
      _describe command commands ;;
    argument)
      case "$line[1]" in
${dispatch.join("\n")}
      esac ;;
  esac`;
    return `${func(words)}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C \\
${[...specs, ...rest].join(" \\\n")}${states}
}`;
  });
  return `#compdef ${name}
# zsh completion for ${name}: write it to a file named _${name} in a directory of \$fpath
${func(["entries"])}() {
  local -a entries=("\${(@f)$(${name} completion entries \${opt_args[--config]:+--config "\${opt_args[--config]}"} 2>/dev/null)}")
  compadd -a entries
}
${functions.join("\n")}
if [[ "$funcstack[1]" == ${quote(func([]))} || "$funcstack[1]" == _${name} ]]; then
  ${func([])} "$@"
else
  compdef ${func([])} ${name}
fi
`;
}

function fish(name: string, all: readonly Known[]): string {
  const lines = [
    `# fish completion for ${name}: write it to ~/.config/fish/completions/${name}.fish`,
    `complete -c ${name} -f`,
  ];
  for (const { words, commands, options, takesEntry } of all) {
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const none = commands.map((each) => each.name).join(" ");
    const condition = [
      ...seen,
      ...(none === "" ? [] : [`not __fish_seen_subcommand_from ${none}`]),
    ].join("; and ");
    const when = condition === "" ? "" : ` -n ${quote(condition)}`;
    for (const each of commands) {
      lines.push(`complete -c ${name}${when} -a ${each.name} -d ${quote(each.description)}`);
    }
    if (takesEntry) {
      lines.push(`complete -c ${name}${when} -a '(${name} completion entries 2>/dev/null)'`);
    }
    for (const { flag, description, values } of options) {
      const long = ` -l ${flag.slice(2)}`;
      const value = values === null
        ? ""
        : values === "file"
        ? " -r -F"
        : values === "entry"
        ? ` -x -a '(${name} completion entries 2>/dev/null)'`
        : values === "any"
        ? " -x"
        : ` -x -a ${quote(values.join(" "))}`;
      lines.push(`complete -c ${name}${when}${long}${value} -d ${quote(description)}`);
    }
  }
  return lines.join("\n") + "\n";
}
