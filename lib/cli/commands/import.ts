import { Command, InvalidArgumentError } from "commander";
import { dirname, resolve } from "node:path";
import { ConfigFileError, readConfigFile, readConfigSource } from "../../config/config_file.ts";
import { formatProblem } from "../../config/config_problem.ts";
import { schedulerNameProblem } from "../../config/config_values.ts";
import { convertCrontab } from "../../crontab/crontab.ts";
import { isTimeZone, TimeZoneError } from "../../time/cron/cron_cadence.ts";
import { EXIT, type SetExitCode, UsageError } from "../exit_codes.ts";
import { StdoutLines } from "../stdout_lines.ts";

interface CrontabOptions {
  workerType: string;
  name: string;
  timezone?: string;
  system?: true;
}

/** `import crontab FILE`: the configuration for another program's schedules, on stdout. */
export function importCommand(setExitCode: SetExitCode): Command {
  const crontab = new Command("crontab")
    .description("write the configuration for a crontab, each command a task of a worker")
    .argument("<file>", "the crontab; - for standard input")
    .requiredOption("--worker-type <name>", "the worker that is to run the commands", workerType)
    .option("--name <name>", "the configuration's name", schedulerName, "crontab")
    .option("--timezone <zone>", "of the times in the file (default: this machine's)", timezone)
    .option("--system", "a user stands before each command, as in /etc/crontab and /etc/cron.d")
    .addHelpText(
      "after",
      "\nWhat is not carried over is told on stderr, and kept in the configuration as a comment." +
        "\nExit code 2: a line is none that cron would run, or nothing could be carried over.",
    )
    .action(async (file: string, options: CrontabOptions) => {
      try {
        setExitCode(await importCrontab(file, options));
      } catch (error) {
        if (error instanceof UsageError) throw error;
        console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
        setExitCode(EXIT.failure);
      }
    });
  return new Command("import").description("make a configuration from another program's schedules")
    .addCommand(crontab);
}

/**
 * Writes the configuration to stdout, and what it could not take over to stderr.
 *
 * @returns 0 also where there were warnings; 2 where the file cannot be read, and, with the
 * configuration written all the same, where a line is wrong to cron too or none became an entry
 */
async function importCrontab(file: string, options: CrontabOptions): Promise<number> {
  let text: string;
  try {
    text = file === "-" ? await readConfigSource(Deno.stdin) : await readConfigFile(file);
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    const { message, line, column } = error;
    console.error(formatProblem(file, { severity: "error", message, path: "", line, column }));
    return EXIT.usage;
  }
  const { yaml, problems, entries } = convertCrontab(text, {
    name: options.name,
    workerType: options.workerType,
    timezone: options.timezone ?? machineZone(),
    isSystem: options.system ?? isSystemCrontab(file),
  });
  for (const problem of problems) console.error(formatProblem(file, problem));
  if (entries === 0) {
    const message = "No line could be carried over: the list of schedules is empty";
    console.error(formatProblem(file, { severity: "error", message, path: "" }));
  }
  const out = new StdoutLines();
  out.write(yaml.trimEnd());
  out.flush();
  const isWrong = entries === 0 || problems.some(({ severity }) => severity === "error");
  return isWrong ? EXIT.usage : EXIT.ok;
}

/** The zone that cron on this machine goes by; says so, since the file may come from another one. */
function machineZone(): string {
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!isTimeZone(zone)) {
    throw new UsageError(
      `This machine's time zone ${JSON.stringify(zone)} is unknown: give --timezone`,
    );
  }
  console.error(`Times are read in this machine's time zone, ${zone}: --timezone names another`);
  return zone;
}

/** Whether cron reads the file as one with users: its own, not those of `crontab -e`. */
export function isSystemCrontab(file: string): boolean {
  if (file === "-") return false;
  const path = resolve(file);
  return path === "/etc/crontab" || dirname(path) === "/etc/cron.d";
}

function workerType(text: string): string {
  if (text.trim() !== "") return text;
  throw new InvalidArgumentError("Expected the name of a worker type.");
}

function schedulerName(text: string): string {
  const problem = text === "" ? "a name cannot be empty" : schedulerNameProblem(text);
  if (problem === null) return text;
  throw new InvalidArgumentError(problem);
}

function timezone(text: string): string {
  if (isTimeZone(text)) return text;
  throw new InvalidArgumentError(new TimeZoneError(text).message);
}
