/**
 * A crontab as a configuration of the scheduler. The rules for reading one are crontab(5)'s, of
 * Vixie cron and of cronie where that says more; `docs/from-crontab.md` says what becomes of it.
 *
 * @module
 */
import { CadenceTable } from "../config/config_cadences.ts";
import { LARGEST_FILE } from "../config/config_file.ts";
import type { ConfigProblem } from "../config/config_problem.ts";
import { readCrontabCommand } from "./command.ts";
import { type CrontabJob, readCrontabLine } from "./line.ts";
import { CrontabNames } from "./name.ts";
import { CrontabProblem } from "./problem.ts";
import { checkCrontabSchedule } from "./schedule.ts";
import { CrontabSettings } from "./settings.ts";
import { comment, plainScalar, quotedScalar } from "./yaml.ts";

/** In characters; by default a NATS server takes messages of one MiB. */
const LARGEST_ENTRY = 1_000_000;

/** What a crontab does not say itself. */
export interface CrontabOptions {
  /** The configuration's name. */
  readonly name: string;
  /** Of the tasks that the commands become. */
  readonly workerType: string;
  /** The zone of lines that no `CRON_TZ` stands above; a valid IANA name. */
  readonly timezone: string;
  /** Whether a user stands before each command, as in /etc/crontab and /etc/cron.d. */
  readonly isSystem: boolean;
}

/** A configuration made from a crontab, and what it could not take over. */
export interface ConvertedCrontab {
  /** Valid, even strictly; with an empty list of schedules where nothing was carried over. */
  readonly yaml: string;
  /**
   * In the order of the file. An error is a line that cron refuses too; a warning is something that
   * cron does and the configuration cannot say.
   */
  readonly problems: readonly ConfigProblem[];
  /** How many lines became entries. */
  readonly entries: number;
}

/**
 * Writes the configuration for a crontab: each line that runs a command becomes an entry that fires
 * at the same times, with the command, its input, its user and its environment in the payload of a
 * task. Every other line is kept as a comment in its place, after a reason where it is a line that
 * ought to have been carried over. Never throws.
 *
 * The configuration is never larger than can be read: what would go beyond is one last error.
 */
export function convertCrontab(text: string, options: CrontabOptions): ConvertedCrontab {
  const conversion = new Conversion(options);
  let number = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    conversion.add(text.slice(start, end).replace(/\r$/, ""), ++number);
    if (conversion.isFull) break;
    start = end + 1;
  }
  return conversion.result();
}

class Conversion {
  readonly #options: CrontabOptions;
  readonly #body: string[] = [];
  readonly #problems: ConfigProblem[] = [];
  readonly #cadences = new CadenceTable();
  readonly #names = new CrontabNames();
  readonly #settings: CrontabSettings;
  #entries = 0;
  /** What has been written and told so far, in bytes. */
  #size: number;
  #line = 0;
  isFull = false;

  constructor(options: CrontabOptions) {
    this.#options = options;
    this.#size = 1000 + 6 * options.name.length; // for what stands above and below the entries
    this.#settings = new CrontabSettings(options.timezone, this.#cadences);
  }

  add(text: string, line: number): void {
    this.#line = line;
    try {
      this.#convert(text);
    } catch (error) {
      if (!(error instanceof CrontabProblem)) throw error;
      this.#report(error);
      this.#write(`  # not carried over: ${comment(error.message).slice(2)}`);
      this.#write(`  ${comment(text)}`);
    }
  }

  result(): ConvertedCrontab {
    const { name, timezone } = this.#options;
    const lines = [
      `name: ${plainScalar(name)}`,
      `timezone: ${plainScalar(timezone)}`,
      this.#entries === 0 ? "schedules: []" : "schedules:",
      ...this.#body,
    ];
    return { yaml: lines.join("\n") + "\n", problems: this.#problems, entries: this.#entries };
  }

  #convert(text: string): void {
    const line = readCrontabLine(text, this.#options.isSystem);
    if (line.kind === "blank") return this.#write("");
    if (line.kind === "job") return this.#addEntry(line.job);
    if (line.kind === "variable") {
      const warning = this.#settings.set(line.variable, line.column);
      if (warning !== null) this.#report(warning);
    }
    this.#write(`  ${comment(text.trimStart())}`);
  }

  #addEntry({ fields, user, command: { text, column } }: CrontabJob): void {
    checkCrontabSchedule(fields);
    const { command, stdin } = readCrontabCommand(text, column);
    const timezone = this.#settings.timezone(fields[0]!.column);
    const cron = fields.map((field) => field.text).join(" ");
    const { problem } = this.#cadences.read(cron, timezone);
    if (problem !== null) {
      const message = problem.charAt(0).toUpperCase() + problem.slice(1);
      throw new CrontabProblem("warning", message, fields[0]!.column);
    }
    if (user === null && /^root[ \t]/.test(text)) {
      this.#report(
        new CrontabProblem(
          "warning",
          'Command begins with "root": where that is the user, as in /etc/crontab, give --system',
          column,
        ),
      );
    }
    const entry = [
      `  - name: ${plainScalar(this.#names.name(command))}`,
      `    cron: ${quotedScalar(cron)}`,
      timezone === this.#options.timezone ? null : `    timezone: ${plainScalar(timezone)}`,
      "    dispatch_type: task",
      "    task:",
      `      worker_type: ${plainScalar(this.#options.workerType)}`,
      "      payload:",
      `        command: ${quotedScalar(command)}`,
      stdin === null ? null : `        stdin: ${quotedScalar(stdin)}`,
      user === null ? null : `        user: ${plainScalar(user)}`,
      this.#settings.environment(),
    ];
    const yaml = entry.filter((part) => part !== null).join("\n");
    if (yaml.length > LARGEST_ENTRY) {
      const message = `Command of ${text.length} characters: too long for one message`;
      throw new CrontabProblem("warning", message, column);
    }
    this.#write(yaml);
    if (!this.isFull) this.#entries++;
  }

  #report({ severity, message, column }: CrontabProblem): void {
    this.#problems.push({ severity, message, path: "", line: this.#line, column });
    this.#size += message.length + 100; // so that 32 MiB of mistakes are no problem either
  }

  #write(text: string): void {
    if (this.isFull) return;
    this.#size += byteLength(text) + 1;
    this.isFull = this.#size > LARGEST_FILE;
    if (!this.isFull) return void this.#body.push(text);
    const message = "The configuration would be larger than can be read, " +
      `${LARGEST_FILE} bytes: this line and those after it are left out, so split the crontab`;
    this.#report(new CrontabProblem("error", message, 1));
    this.#body.push(`  # not carried over: line ${this.#line} and those after it`);
  }
}

function byteLength(text: string): number {
  return /[\u0080-\uffff]/.test(text) ? new TextEncoder().encode(text).length : text.length;
}
