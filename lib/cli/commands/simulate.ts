import { Command, Option } from "commander";
import { formatProblem } from "../../config/config_problem.ts";
import { loadSchedulerConfig } from "../../config/load_config.ts";
import {
  randomStalls,
  type SimulatedFiring,
  Simulation,
  type SimulationSummary,
} from "../../forecast/simulation.ts";
import { errorText } from "../../internal/error_text.ts";
import { countArgument, instantArgument } from "../arguments.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import {
  addConfigOption,
  addExpandRootOption,
  CONFIG_PATH,
  type ConfigOptions,
  configSource,
} from "../options.ts";
import { StdoutLines } from "../stdout_lines.ts";
import { printError } from "../print.ts";

const MAX_STALLS = 999_999_999;
const MAX_SEED = 999_999_999;

const FORMATS = ["text", "json"] as const;

interface SimulateOptions extends ConfigOptions {
  expandRoot?: string;
  from: Date;
  until: Date;
  stalls: number;
  seed: number;
  summary: boolean;
  format: typeof FORMATS[number];
}

/** `simulate`: lists what would fire between two instants, without waiting and without a bus. */
export function simulateCommand(setExitCode: SetExitCode): Command {
  const command = new Command("simulate")
    .description("list what would fire between two instants, without waiting or publishing")
    .argument("[path]", CONFIG_PATH)
    .addHelpText(
      "after",
      "\nThe scheduler starts at --from; expansion functions are not called, one dispatch each.",
    );
  addConfigOption(command);
  addExpandRootOption(command);
  return command
    .requiredOption("--from <instant>", "such as 2026-03-28T00:00:00Z", instantArgument)
    .requiredOption("--until <instant>", "the last instant", instantArgument)
    .option(
      "--stalls <count>",
      "number of times that the process stands still, up to an hour",
      countArgument(0, MAX_STALLS),
      0,
    )
    .option("--seed <number>", "chooses the times of the stalls", countArgument(0, MAX_SEED), 0)
    .option("--summary", "print the counts only", false)
    .addOption(new Option("--format <format>", "of the output").choices(FORMATS).default("text"))
    .action(async (path: string | undefined, options: SimulateOptions) => {
      try {
        setExitCode(await simulate(path ?? options.config, options));
      } catch (error) {
        printError(`error: ${errorText(error)}`);
        setExitCode(EXIT.failure);
      }
    });
}

async function simulate(path: string, options: SimulateOptions): Promise<number> {
  const { from, until: to, stalls, seed, format } = options;
  if (to < from) {
    printError(`error: --until ${to.toISOString()} is before --from ${from.toISOString()}`);
    return EXIT.usage;
  }
  const { config, problems } = await loadSchedulerConfig(configSource(path), {
    expandRoot: options.expandRoot,
  });
  for (const problem of problems) printError(formatProblem(path, problem));
  if (config === null) return EXIT.usage;
  const simulation = new Simulation(config, {
    from,
    to,
    stalls: randomStalls(stalls, { seed, from, to }),
  });
  const out = new StdoutLines();
  for await (const firings of simulation.run()) {
    if (options.summary) continue;
    for (const firing of firings) out.write(format === "json" ? asJson(firing) : asText(firing));
    if (out.isClosed) return EXIT.ok;
  }
  const { summary } = simulation;
  out.write(format === "json" ? summaryAsJson(summary) : summaryAsText(summary));
  out.flush();
  return EXIT.ok;
}

function asText({ at, entry, scheduledFor, lateness, skipped }: SimulatedFiring): string {
  const notes = [];
  const instant = at.toISOString();
  if (scheduledFor !== instant) notes.push(`scheduled for ${scheduledFor}`);
  if (lateness > 0) notes.push(`${lateness / 1000} s late`);
  if (skipped !== null) notes.push(`skipped: ${skipped}`);
  return notes.length === 0
    ? `${instant}  ${entry}`
    : `${instant}  ${entry}  (${notes.join(", ")})`;
}

function asJson(firing: SimulatedFiring): string {
  return JSON.stringify({
    entry: firing.entry,
    at: firing.at,
    scheduled_for: firing.scheduledFor,
    lateness_ms: firing.lateness,
    passed_over_since: firing.passedOverSince,
    skipped: firing.skipped,
  });
}

function summaryAsText({ entries, total, busiest }: SimulationSummary): string {
  const rows = [...entries, { entry: "all", ...total }];
  const width = Math.max(...rows.map(({ entry }) => entry.length), 5);
  const row = (name: string, ...numbers: unknown[]) =>
    name.padEnd(width) + numbers.map((number) => String(number).padStart(10)).join("");
  return [
    row("entry", "firings", "late", "misfires"),
    ...rows.map(({ entry, firings, late, misfires }) => row(entry, firings, late, misfires)),
    ...Object.entries(busiest).map(([span, most]) =>
      `busiest ${span}: ` +
      (most === null ? "none" : `${most.firings} firings, from ${most.start.toISOString()}`)
    ),
  ].join("\n");
}

function summaryAsJson({ entries, total, busiest }: SimulationSummary): string {
  return JSON.stringify({ summary: { entries, total, busiest } });
}
