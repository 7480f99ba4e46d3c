import { shown } from "../config/config_problem.ts";
import { CrontabProblem } from "./problem.ts";

/** What a line of a crontab runs. */
export interface CrontabCommand {
  /** For the shell. */
  readonly command: string;
  /** What it reads from its standard input; null where cron gives it nothing. */
  readonly stdin: string | null;
}

/**
 * Splits a command as crontab(5) says: the first `%` ends it, and what follows is its standard
 * input, each further `%` a new line. `\%` is a percent sign. cron ends the input with a new line.
 *
 * cronie's `-n` and FreeBSD's `-q` in front, which are about mail and syslog, are left out.
 *
 * @param column where the command begins in its line, for the problem
 * @throws {CrontabProblem} for another option: cronie refuses the line
 */
export function readCrontabCommand(text: string, column: number): CrontabCommand {
  const shell = text.replace(/^(?:-[nq][ \t]+){1,2}/, "");
  if (shell.startsWith("-")) {
    const word = shown(shell.split(/[ \t]/, 1)[0]);
    throw new CrontabProblem("error", `Command begins with ${word}: no option of cron`, column);
  }
  const end = firstPercent(shell);
  const command = shell.slice(0, end).replaceAll("\\%", "%");
  const input = shell.slice(end + 1);
  if (input === "") return { command, stdin: null };
  const stdin = input.replaceAll(/\\?%/g, (percent) => percent === "%" ? "\n" : "%");
  return { command, stdin: stdin.endsWith("\n") ? stdin : stdin + "\n" };
}

/** Where the first `%` stands that no backslash escapes, or the end. */
function firstPercent(text: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "%") return at;
  }
  return text.length;
}
