import { shown } from "../config/config_problem.ts";
import { CrontabProblem } from "./problem.ts";
import type { CrontabField } from "./schedule.ts";
import { type CrontabVariable, readCrontabVariable } from "./variable.ts";

/** What a line says to run, and when; not yet checked. */
export interface CrontabJob {
  /** Five, or a nickname. */
  readonly fields: readonly CrontabField[];
  /** Only in the format of /etc/crontab. */
  readonly user: string | null;
  readonly command: CrontabField;
}

/** One line of a crontab; the column is where it begins after its blanks, 1-based. */
export type CrontabLine =
  | { readonly kind: "blank" }
  | { readonly kind: "comment" }
  | { readonly kind: "variable"; readonly variable: CrontabVariable; readonly column: number }
  | { readonly kind: "job"; readonly job: CrontabJob };

/**
 * Tells what a line is, in cron's order: a line that can be a setting is one, all else is a job.
 *
 * @param line without its line end
 * @param isSystem whether a user stands before the command, as in /etc/crontab and /etc/cron.d
 * @throws {CrontabProblem} for a line that is neither, and one with a NUL, where cron would cut it
 */
export function readCrontabLine(line: string, isSystem: boolean): CrontabLine {
  const start = /^[ \t]*/.exec(line)![0].length;
  const text = line.slice(start);
  if (text === "") return { kind: "blank" };
  if (text.startsWith("#")) return { kind: "comment" };
  const nul = line.indexOf("\0");
  if (nul >= 0) {
    throw new CrontabProblem("error", "A NUL character: cron ends the line here", nul + 1);
  }
  const variable = readCrontabVariable(text);
  if (variable !== null) {
    if (variable.name !== "") return { kind: "variable", variable, column: start + 1 };
    throw new CrontabProblem("error", 'No name before the "=": cron wants NAME=VALUE', start + 1);
  }
  return { kind: "job", job: readJob(line, start, isSystem) };
}

function readJob(line: string, start: number, isSystem: boolean): CrontabJob {
  // SUSE and cronie: a "-" before the minute keeps the job out of syslog.
  let at = line[start] === "-" ? start + 1 : start;
  const word = (): CrontabField => {
    while (isBlank(line[at])) at++;
    const column = at + 1;
    while (at < line.length && !isBlank(line[at])) at++;
    return { text: line.slice(column - 1, at), column };
  };
  const fields = [word()];
  if (!fields[0]!.text.startsWith("@")) { while (fields.length < 5) fields.push(word()); }
  const when = fields.length === 5 ? "five fields" : "a nickname";
  const wanted = isSystem ? `${when}, a user and a command` : `${when} and a command`;

  let user: CrontabField | null = null;
  const command = () => {
    while (isBlank(line[at])) at++;
    return { text: line.slice(at), column: at + 1 };
  };
  // cron looks for this typo: six fields.
  const { column } = command();
  if (line[column - 1] === "*") {
    throw new CrontabProblem(
      "error",
      'A "*" in place of a command: cron has no sixth field',
      column,
    );
  }
  if (isSystem) {
    user = word();
    if (user.text.startsWith("/")) {
      const message = `User ${
        shown(user.text)
      } is a path: a crontab without users needs no --system`;
      throw new CrontabProblem("error", message, user.column);
    }
  }
  const found = command();
  if (found.text === "") {
    const message = `Cannot read ${shown(line.slice(start))}: expected ${wanted}`;
    throw new CrontabProblem("error", message, start + 1);
  }
  return { fields, user: user?.text ?? null, command: found };
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
