import { Command, Option } from "commander";
import { type Finding, formatProblem } from "../../config/config_problem.ts";
import { loadAdvisedConfig, type SchedulerConfig } from "../../config/load_config.ts";
import { namesOf } from "../../forecast/lint/finding.ts";
import { lint } from "../../forecast/lint/lint.ts";
import { systemClock } from "../../time/clock.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import {
  addConfigOption,
  addExpandRootOption,
  CONFIG_PATH,
  type ConfigOptions,
  configSource,
} from "../options.ts";
import { print } from "../print.ts";

const FORMATS = ["text", "json"] as const;

interface ValidateOptions extends ConfigOptions {
  expandRoot?: string;
  strict: boolean;
  fromPython: boolean;
  format: typeof FORMATS[number];
}

/** `validate`: prints every problem of the given files. */
export function validateCommand(setExitCode: SetExitCode): Command {
  const command = new Command("validate")
    .description("check configuration files, without running anything")
    .argument("[paths...]", CONFIG_PATH);
  addConfigOption(command);
  addExpandRootOption(command);
  return command
    .option("--strict", "count warnings as errors, but for advice about when entries fire", false)
    .option("--from-python", "also report what Heddle's Python scheduler does otherwise", false)
    .addOption(new Option("--format <format>", "of the report").choices(FORMATS).default("text"))
    .action(async (paths: string[], options: ValidateOptions) => {
      setExitCode(await validate(paths.length > 0 ? paths : [options.config], options));
    });
}

async function validate(paths: string[], options: ValidateOptions): Promise<number> {
  const { strict, format, fromPython, expandRoot } = options;
  const found = [];
  for (const file of paths) {
    const { problems } = await loadAdvisedConfig(configSource(file), advise, {
      fromPython,
      expandRoot,
    });
    for (const problem of problems) {
      const isError = strict && !problem.advice;
      found.push({ file, ...problem, severity: isError ? "error" as const : problem.severity });
    }
  }
  if (format === "json") {
    const report = found.map((
      { file, severity, message, path, line = null, column = null, advice },
    ) => (
      { file, severity, message, path, line, column, ...(advice && { advice }) }
    ));
    print(JSON.stringify(report, null, 2));
  } else {
    for (const { file, ...problem } of found) print(formatProblem(file, problem));
    if (found.length === 0) print(`${paths.join(", ")}: no problems`);
  }
  return found.some(({ severity }) => severity === "error") ? EXIT.usage : EXIT.ok;
}

/** Returns the advice about when entries fire, each at the first entry that it is about. */
function advise({ entries }: SchedulerConfig): Finding[] {
  // A configuration without errors has all entries, in the order of the file.
  const places = new Map(entries.map(({ name }, index) => [name, index]));
  return lint(entries, systemClock.now()).map((finding): Finding => {
    const index = places.get(finding.entry)!;
    return {
      severity: "warning",
      message: `schedules[${index}] ${namesOf(finding)}: ${finding.message}`,
      at: ["schedules", index, entries[index]!.timing.kind],
      advice: true,
    };
  });
}
