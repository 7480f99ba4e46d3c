/** Longer ones are cut; names stand in message ids, headers and every line of the log. */
const LONGEST_NAME = 60;
/** Programs that only prepare for the one that is meant. */
const PREPARATIONS = new Set(["cd", "test", "[", "[[", "export", "set", "umask", "sleep"]);
/** A word that may go into a name: a path or a plain word, never `user:password` or `KEY=value`. */
const PLAIN_WORD = /^[\w./$~{}+-]+$/;

/**
 * Names for the entries of one crontab, made from the commands: `/opt/backup.sh --full /home` is
 * `backup_home`. Nothing goes into a name that may be a secret: no value of an option, no
 * assignment, nothing of a URL but its host.
 */
export class CrontabNames {
  readonly #taken = new Set<string>();
  /** For each name the number of its latest namesake. */
  readonly #latest = new Map<string, number>();

  /** A name of `[a-z0-9_-]`, at most 60 characters, that no earlier call returned. */
  name(command: string): string {
    const base = nameOf(command);
    let name = base;
    for (let number = this.#latest.get(base) ?? 1; this.#taken.has(name);) {
      this.#latest.set(base, ++number);
      const end = `_${number}`;
      name = base.slice(0, LONGEST_NAME - end.length) + end;
    }
    this.#taken.add(name);
    return name;
  }
}

function nameOf(command: string): string {
  // What a person would call it stands in the first few words.
  const commands = command.slice(0, 4096).split(/&&|\|\||[;|&\n]/).map(wordsOf);
  const words = commands.find(([program]) => program && !PREPARATIONS.has(program)) ??
    commands.find(({ length }) => length > 0) ?? [];
  const [program = "", ...rest] = words;
  const parts = [slug(withoutExtension(baseName(program))), slug(distinguishing(rest))];
  const name = [...new Set(parts)].filter((part) => part !== "").join("_");
  return name.slice(0, LONGEST_NAME) || "job";
}

/** Without the redirections, the assignments in front and the quotes. */
function wordsOf(command: string): string[] {
  const words = (command.replace(/\d*[<>].*$/s, "").match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [])
    .map((word) => word.replaceAll(/["'()]/g, ""))
    .filter((word) => word !== "");
  const program = words.findIndex((word) => !/^\w+=/.test(word));
  return program < 0 ? [] : words.slice(program);
}

/** The first word that tells two calls of a program apart, or nothing. */
function distinguishing(words: readonly string[]): string {
  let afterOption = false;
  for (const word of words) {
    const host = /^[a-z]+:\/\/(?:[^/@]*@)?([\w.-]+)/i.exec(word)?.[1];
    if (host !== undefined) return host;
    const isOption = word.startsWith("-");
    // A word after an option may be its value, a password even, unless it is a path.
    const isPlain = PLAIN_WORD.test(word) && (!afterOption || word.includes("/"));
    if (!isOption && isPlain && /[a-z]/i.test(word)) return withoutExtension(baseName(word));
    afterOption = isOption;
  }
  return "";
}

function baseName(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1)!;
}

function withoutExtension(name: string): string {
  return name.replace(/(?<=.)\.[a-z]\w{0,3}$/i, "");
}

function slug(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, "_").replace(/^[_-]+|[_-]+$/g, "");
}
