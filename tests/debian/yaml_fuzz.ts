/**
 * Random documents, read here and by Debian's PyYAML. By hand:
 *
 *   deno run -A --lock=tests/deno.lock tests/debian/yaml_fuzz.ts --seed 7 --count 10000
 *
 * @module
 */
import { parseArgs } from "node:util";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { run } from "./tools.ts";

/** A document that the two read differently, and nothing was said of it. */
export interface Difference {
  readonly seed: number;
  readonly text: string;
  readonly what: string;
}

export interface Outcome {
  readonly differences: readonly Difference[];
  /** How many documents both read as the same, without a word. */
  readonly alike: number;
  /** How many were warned of. */
  readonly warned: number;
  /** Refused here, though Python reads them. */
  readonly refused: readonly Difference[];
}

/** Reads each text as Python does, as JSON: null where Python refuses it or JSON cannot carry it. */
const PYTHON = `
import json, sys, yaml
for line in sys.stdin:
    try:
        loaded = yaml.load(json.loads(line), Loader=yaml.SafeLoader)
    except Exception:
        print("null"); continue
    try:
        text = json.dumps(loaded, allow_nan=False)
        print(json.dumps({"json": text}))
    except Exception:
        print("{}")
`;

const WORDS = [
  ...["yes", "No", "on", "OFF", "y", "N", "true", "False", "~", "null", "Null", "nULL", "<<", "="],
  ...["0", "-0", "7", "+7", "010", "-010", "089", "0o17", "0x1F", "0X1F", "0b101", "1_000", "0_1"],
  ...["1:30", "1:30.5", "190:20:30", "1.0", "1.", "-.5", "+.5", ".5", "1e3", "1.0e3", "1.5e+3"],
  ...["6E+23", "685_230.15", ".inf", "-.INF", ".NaN", "9007199254740993", "123456789012345678901"],
  ...["2026-03-01", "2026-3-1 1:02:03", "2026-03-01T08:00:00Z", "12-3", "1.2.3", "0.1", "100000.0"],
  ...["a", "b c", "a:b", "http://x/y", "a#b", "don't", 'a"b', "-x", "?x", ":x", "é", "a\tb", "!x"],
  ...["x\u2028y", "x\u0085y", "[", "a,b", "{a", "a]", "a - b", "*", "%x", "@x", "`x", "# x", "..."],
];
const KEYS = [
  "a",
  "b",
  "c",
  "d e",
  "on",
  "1",
  "01",
  "1.0",
  "1.50",
  "1e1",
  "0x1",
  "null",
  "~",
  "true",
];
const TAGS = ["", "", "", "", "", "", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "! "];

/** Makes one document from a seed. */
class Writer {
  #state: number;
  #anchors: string[] = [];
  #maps: string[] = [];

  constructor(seed: number) {
    this.#state = seed * 2_654_435_761 >>> 0;
  }

  /** Returns a whole configuration. */
  document(): string {
    const head = "name: s\nschedules:\n  - name: n\n    interval_seconds: 60\n" +
      "    dispatch_type: task\n    task:\n      worker_type: w\n      payload:";
    const text = head + this.#mapping(8, 0);
    return this.#chance(0.3) ? text.replace(/\n$/, "") : text;
  }

  #next(below: number): number {
    this.#state = this.#state + 0x6d2b79f5 >>> 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % below;
  }

  #chance(share: number): boolean {
    return this.#next(1000) < share * 1000;
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#next(all.length)]!;
  }

  /** A block mapping below its key, or a flow mapping after it; ends with a line break. */
  #mapping(indent: number, depth: number): string {
    if (depth > 0 && this.#chance(0.1)) return ` ${this.#flow(indent, depth)}\n`;
    let anchor = "";
    if (this.#chance(0.2)) anchor = ` &m${this.#next(3)}`;
    let text = `${anchor}\n`;
    const count = 1 + this.#next(4);
    for (let index = 0; index < count; index++) {
      if (this.#chance(0.05)) text += `${" ".repeat(this.#next(12))}# note: "x\n`;
      if (this.#chance(0.03)) text += "\n";
      text += " ".repeat(indent);
      if (this.#maps.length > 0 && this.#chance(0.25)) {
        const aliases = () => `*${this.#pick(this.#maps)}`;
        text += this.#chance(0.5)
          ? `<<: ${aliases()}\n`
          : `<<: [${aliases()}${this.#chance(0.7) ? `, ${aliases()}` : ""}]\n`;
        continue;
      }
      text += `${this.#key()}:${this.#value(indent, depth)}`;
    }
    if (anchor !== "") this.#maps.push(anchor.slice(2));
    return text;
  }

  #key(): string {
    const key = this.#pick(KEYS);
    if (this.#chance(0.1)) return `"${key}"`;
    if (this.#chance(0.05)) return `? ${key}\n${" ".repeat(0)}`.trimEnd();
    return this.#chance(0.03) ? `!!str ${key}` : key;
  }

  /** After a colon; ends with a line break. */
  #value(indent: number, depth: number): string {
    if (depth < 3 && this.#chance(0.25)) return this.#mapping(indent + 2, depth + 1);
    if (depth < 3 && this.#chance(0.15)) return this.#list(indent, depth);
    if (this.#chance(0.15)) return ` ${this.#block(indent)}`;
    if (this.#chance(0.2)) return ` ${this.#flow(indent, depth)}${this.#comment()}\n`;
    if (this.#anchors.length > 0 && this.#chance(0.1)) return ` *${this.#pick(this.#anchors)}\n`;
    if (this.#chance(0.05)) return `${this.#comment()}\n`;
    const tag = this.#pick(TAGS);
    let anchor = "";
    if (this.#chance(0.1)) {
      anchor = `&s${this.#next(3)} `;
      this.#anchors.push(anchor.slice(1, -1));
    }
    if (tag === "!!null ") return ` ${anchor}${tag}~${this.#comment()}\n`;
    return ` ${anchor}${tag}${this.#scalar(indent, false)}${this.#comment()}\n`;
  }

  #comment(): string {
    return this.#chance(0.05) ? ` # ${this.#pick(WORDS)}` : "";
  }

  #list(indent: number, depth: number): string {
    const dash = " ".repeat(indent + (this.#chance(0.5) ? 0 : 2));
    let text = "\n";
    for (let count = 1 + this.#next(3); count > 0; count--) {
      text += `${dash}-${this.#value(dash.length, depth + 1)}`;
    }
    return text;
  }

  #block(indent: number): string {
    const head = this.#pick(["|", ">", "|-", ">-", "|+", ">+", "|2", ">1"]);
    const width = /\d/.exec(head)?.[0] ?? this.#pick(["1", "2", "4"]);
    const lines = Array.from({ length: this.#next(4) }, () => {
      if (this.#chance(0.2)) return " ".repeat(this.#next(indent + 3));
      const more = this.#chance(0.2) ? this.#pick(["  ", "\t"]) : "";
      return " ".repeat(indent + Number(width)) + more + this.#pick(WORDS);
    });
    return [head, ...lines].join("\n") + "\n";
  }

  /** Between brackets; lines may stand anywhere. */
  #flow(indent: number, depth: number): string {
    const isMapping = this.#chance(0.5);
    const items = Array.from({ length: this.#next(4) }, () => {
      const value = depth < 3 && this.#chance(0.2)
        ? this.#flow(indent, depth + 1)
        : this.#scalar(indent, true);
      if (isMapping) return this.#chance(0.1) ? value : `${this.#key()}: ${value}`;
      return this.#chance(0.1) ? `${this.#key()}: ${value}` : value;
    });
    const gap = () => this.#chance(0.12) ? this.#newLine(indent) : this.#pick(["", " "]);
    const inside = items.map((item) => gap() + item + gap()).join(",");
    const end = this.#chance(0.05) && items.length > 0 ? "," : "";
    return isMapping ? `{${inside}${end}${gap()}}` : `[${inside}${end}${gap()}]`;
  }

  /** A line break, and an indentation that may be less than the key's. */
  #newLine(indent: number): string {
    return "\n" + " ".repeat(this.#pick([0, indent, indent, indent + 2, 2]));
  }

  #scalar(indent: number, isInFlow: boolean): string {
    const word = () => this.#pick(WORDS);
    if (this.#chance(0.15)) {
      const parts = [word(), ...(this.#chance(0.3) ? [word()] : [])];
      const text = parts.map((each) => each.replaceAll("'", "''"))
        .join(this.#newLine(indent) + (this.#chance(0.2) ? "\n " : ""));
      return `'${text}'`;
    }
    if (this.#chance(0.2)) {
      const escapes = ["", "\\n", "\\t", "\\x41", "\\u00e9", "\\/", "\\ ", "\\_", "\\N", "\\0"];
      const parts = [word(), ...(this.#chance(0.3) ? [word()] : [])];
      const text = parts.map((each) => each.replaceAll(/["\\]/g, "\\$&") + this.#pick(escapes))
        .join((this.#chance(0.2) ? "\\" : "") + this.#newLine(indent));
      return `"${text}"`;
    }
    if (isInFlow && this.#chance(0.1)) return `${this.#pick(TAGS)}${word()}`;
    if (this.#chance(0.05)) return word() + this.#newLine(indent + 2) + word();
    return word();
  }
}

/** Reads the documents of `count` seeds from `seed` on, here and in Python. */
export async function compare(seed: number, count: number): Promise<Outcome> {
  const texts = Array.from({ length: count }, (_, index) => new Writer(seed + index).document());
  const input = texts.map((text) => JSON.stringify(text)).join("\n") + "\n";
  const { success, output } = await run("/usr/bin/python3", ["-c", PYTHON], { input });
  const answers = output.trimEnd().split("\n");
  if (!success || answers.length !== count) throw new Error(output.slice(-2000));
  const differences: Difference[] = [];
  const refused: Difference[] = [];
  let alike = 0;
  let warned = 0;
  for (const [index, text] of texts.entries()) {
    const answer: { json?: string } | null = JSON.parse(answers[index]!);
    if (answer === null) continue;
    const { config, problems } = parseSchedulerConfig(text);
    const difference = { seed: seed + index, text, what: "" };
    if (config === null) {
      refused.push({ ...difference, what: problems.map(({ message }) => message).join("\n") });
      continue;
    }
    // A warning about a break or a shared value stands elsewhere than what differs.
    const isElsewhere = problems.some(({ message }) =>
      message.includes("is a line break to Python") ||
      (/[*]/.test(text) && message.includes("is read as"))
    );
    const places = problems.map(({ path }) => path);
    const payload = answer.json && JSON.parse(answer.json).schedules[0].task.payload;
    const here = JSON.parse(JSON.stringify(config.entries[0]!.taskConfig!.payload));
    const silent = differing(here, payload, "schedules[0].task.payload")
      .filter((path) => !places.some((place) => place !== "" && meets(place, path)));
    if (silent.length > 0 && !isElsewhere) {
      differences.push({ ...difference, what: silent.join("\n") });
    } else if (problems.length > 0) warned++;
    else alike++;
  }
  return { differences, alike, warned, refused };
}

/** Whether a warning at `place` is about what differs at `path`. */
function meets(place: string, path: string): boolean {
  return path.startsWith(place) || place.startsWith(path);
}

/** Returns where two values differ; keys that one of two mappings lacks count for the mapping. */
function differing(here: unknown, python: unknown, path: string): string[] {
  if (Array.isArray(here) && Array.isArray(python)) {
    if (here.length !== python.length) return [path];
    return here.flatMap((each, index) => differing(each, python[index], `${path}[${index}]`));
  }
  if (isMapping(here) && isMapping(python)) {
    const keys = Object.keys(here);
    if (keys.toSorted().join("\n") !== Object.keys(python).toSorted().join("\n")) return [path];
    return keys.flatMap((key) =>
      /^(?:[a-d]|on)$/.test(key)
        ? differing(here[key], python[key], `${path}.${key}`)
        // A key whose text may be written otherwise.
        : differing(here[key], python[key], path).length === 0
        ? []
        : [path]
    );
  }
  return Object.is(here, python) || here === python ? [] : [path];
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seed: { type: "string" }, count: { type: "string", default: "10000" } },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
  console.log(`seed ${seed}`);
  const { differences, alike, warned, refused } = await compare(seed, Number(values.count));
  const show = (all: readonly Difference[]) =>
    all.forEach((each) => console.log(`--- ${each.seed}: ${each.what}\n${each.text}`));
  if (Deno.env.has("SHOW_REFUSED")) show(refused);
  show(differences.slice(0, 20));
  const silent = differences.length;
  console.log({ alike, warned, refused: refused.length, silent });
  if (silent > 0) Deno.exit(1);
}
