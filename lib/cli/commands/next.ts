import { Command, Option } from "commander";
import { formatProblem } from "../../config/config_problem.ts";
import { suggestion } from "../../internal/suggestion.ts";
import { QUARTER_HOUR_MS } from "../../engine/history.ts";
import { dayAhead } from "../../forecast/day_ahead.ts";
import { loadSchedulerConfig } from "../../config/load_config.ts";
import { namesOf } from "../../forecast/lint/finding.ts";
import { lint } from "../../forecast/lint/lint.ts";
import { Upcoming } from "../../forecast/upcoming.ts";
import { systemClock } from "../../time/clock.ts";
import { zoneNamed } from "../../time/zone.ts";
import { countArgument, instantArgument } from "../arguments.ts";
import { dayBar } from "../day_bar.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import {
  addConfigOption,
  addExpandRootOption,
  CONFIG_PATH,
  type ConfigOptions,
  configSource,
} from "../options.ts";
import { StdoutLines } from "../stdout_lines.ts";
import { upcomingJson, upcomingTable } from "../upcoming_rows.ts";
import { printError } from "../print.ts";

export interface UpcomingOptions {
  count: number;
  from?: Date;
  format: "text" | "json";
}

interface NextOptions extends ConfigOptions, UpcomingOptions {
  expandRoot?: string;
  until?: Date;
  entry?: string;
  each: boolean;
  strict: boolean;
}

const MAX_FIRINGS = 1_000_000;

/** Adds `--count`, `--from` and `--format`, which every command has that lists firings. */
export function addUpcomingOptions(command: Command, count: number): Command {
  return command
    .addOption(
      new Option("--count <number>", "the maximum number of firings").argParser(
        countArgument(1, MAX_FIRINGS),
      )
        .default(count),
    )
    .option(
      "--from <instant>",
      "firings after this instant, such as 2026-03-28T00:00:00Z",
      instantArgument,
    )
    .addOption(
      new Option("--format <format>", "of the output").choices(["text", "json"]).default("text"),
    );
}

/** `next`: lists upcoming firings and warnings, without running anything. */
export function nextCommand(setExitCode: SetExitCode): Command {
  const command = new Command("next")
    .description("list upcoming firings and warnings, without running anything")
    .argument("[path]", CONFIG_PATH)
    .option("--entry <name>", "of this entry only")
    .addOption(
      new Option("--each", "the next firing of each entry, however many entries there are")
        .conflicts("count").default(false),
    )
    .option("--until <instant>", "the last instant", instantArgument)
    .option(
      "--strict",
      "exit with 2 where there is a warning, but for advice about when entries fire",
      false,
    )
    .addHelpText("after", "\nIntervals count from --from, as if the scheduler started then.");
  addConfigOption(command);
  addExpandRootOption(command);
  return addUpcomingOptions(command, 10)
    .action(async (path: string | undefined, options: NextOptions) => {
      setExitCode(await next(path ?? options.config, options));
    });
}

async function next(path: string, options: NextOptions): Promise<number> {
  const { config, problems } = await loadSchedulerConfig(configSource(path), {
    expandRoot: options.expandRoot,
  });
  for (const problem of problems) printError(formatProblem(path, problem));
  if (config === null) return EXIT.usage;
  let { entries } = config;
  if (options.entry !== undefined) {
    const found = entries.filter(({ name }) => name === options.entry);
    if (found.length === 0) {
      const hint = suggestion(options.entry, entries.map(({ name }) => name));
      printError(`error: ${path} has no entry "${options.entry}"${hint}`);
      return EXIT.usage;
    }
    entries = found;
  }
  const from = options.from?.getTime() ?? systemClock.now();
  const upcoming = new Upcoming(entries, from);
  const until = options.until?.getTime();
  const firings = options.each
    ? upcoming.firstOfEach(until)
    : upcoming.firings({ count: options.count, until });
  const findings = lint(entries, from);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const out = new StdoutLines();
  if (options.format === "json") {
    out.write(JSON.stringify({
      from: new Date(from).toISOString(),
      firings: firings.map((each) => upcomingJson(byName.get(each.entry)!, each, from)),
      per_quarter_hour: perQuarter(upcoming, from),
      without_firings: upcoming.silent(),
      warnings: findings,
    }));
  } else {
    for (const finding of findings) {
      printError(`warning: ${namesOf(finding)}: ${finding.message}`);
    }
    const lines = firings.length > 0 ? upcomingTable(firings, byName, from) : ["Nothing fires"];
    for (const line of lines) out.write(line);
    for (const line of silentLines(upcoming)) out.write(line);
    out.write("");
    for (const line of bar(upcoming, from, config.timezone)) out.write(line);
  }
  out.flush();
  return options.strict && problems.length > 0 ? EXIT.usage : EXIT.ok;
}

/** Returns the counts of the day that begins at `from`. */
function perQuarter(upcoming: Upcoming, from: number): readonly number[] {
  // Counted from the quarter in which `from` lies; firings that passed in it are left out.
  return dayAhead(upcoming.recurrences(), from).counts;
}

function silentLines(upcoming: Upcoming): string[] {
  // Of what is over, the warnings say why.
  return upcoming.silent().map(({ entry, reason }) =>
    `"${entry}" ${reason === "disabled" ? "is disabled" : "does not fire any more"}`
  );
}

function bar(upcoming: Upcoming, from: number, timezone: string): string[] {
  const zone = zoneNamed(timezone);
  const first = Math.floor(from / QUARTER_HOUR_MS);
  return dayBar(perQuarter(upcoming, from), {
    // The offset of each cell, since daylight saving time may begin or end within the day.
    startOf: (quarter) => {
      const seconds = (first + quarter) * QUARTER_HOUR_MS / 1000;
      return Math.floor((seconds + zone.segmentAt(seconds).offset) / 60) % 1440;
    },
    zone: timezone,
    isUnicode: isUnicodeTerminal(),
  });
}

/** Reports whether the terminal shows more than ASCII, by the locale; true where none is set. */
function isUnicodeTerminal(): boolean {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LANG") || "";
  return locale === "" || /utf-?8/i.test(locale);
}
