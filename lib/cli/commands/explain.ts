import { Command, Option } from "commander";
import { parseSchedulerConfig } from "../../config/load_config.ts";
import { lint } from "../../forecast/lint/lint.ts";
import { instantInZone } from "../../time/instant_in_zone.ts";
import { Upcoming } from "../../forecast/upcoming.ts";
import { systemClock } from "../../time/clock.ts";
import { cronWords } from "../../time/cron/cron_words.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { addUpcomingOptions, type UpcomingOptions } from "./next.ts";
import { span } from "../spans.ts";
import { StdoutLines } from "../stdout_lines.ts";
import { table } from "../text_table.ts";
import { printError } from "../print.ts";

interface ExplainOptions extends UpcomingOptions {
  timezone: string;
}

/** `explain EXPRESSION`: prints a cron expression in words, and when it fires. */
export function explainCommand(setExitCode: SetExitCode): Command {
  const command = new Command("explain")
    .description("say a cron expression in words, and when it fires")
    .argument("<expression...>", 'such as "0 9 * * 1-5"')
    .addOption(new Option("--timezone <zone>", "the IANA zone in which it is read").default("UTC"));
  return addUpcomingOptions(command, 5)
    .action((fields: string[], options: ExplainOptions) => {
      setExitCode(explain(fields.join(" "), options));
    });
}

function explain(cron: string, options: ExplainOptions) {
  const { count, from, format } = options;
  // Checked as an entry of a file, so that the same rules and words apply.
  const { config, problems } = parseSchedulerConfig(JSON.stringify({
    name: "explain",
    timezone: options.timezone,
    schedules: [{ name: "entry", cron, dispatch_type: "task", task: { worker_type: "none" } }],
  }));
  for (const { severity, message } of problems) {
    printError(`${severity}: ${message.replace(/^(?:schedules\[0\] "entry"|Top level): /, "")}`);
  }
  if (config === null) return EXIT.usage;
  const { timezone } = config.entries[0]!; // an empty option counts as absent, as an empty key does
  const start = from?.getTime() ?? systemClock.now();
  const words = cronWords(cron);
  const firings = new Upcoming(config.entries, start).firings({ count });
  const findings = lint(config.entries, start);
  const out = new StdoutLines();
  if (format === "json") {
    out.write(JSON.stringify({
      expression: cron,
      timezone,
      words,
      firings: firings.map(({ scheduledFor }) => ({
        at: new Date(scheduledFor).toISOString(),
        local: instantInZone(scheduledFor, timezone),
      })),
      warnings: findings.map(({ kind, message, advice }) => ({ kind, message, advice })),
    }));
  } else {
    for (const { message } of findings) printError(`warning: ${message}`);
    out.write(`${words} (${timezone})`);
    out.write("");
    const rows = firings.map(({ scheduledFor }) => [
      instantInZone(scheduledFor, timezone),
      new Date(scheduledFor).toISOString().replace(".000Z", "Z"),
      span(scheduledFor - start),
    ]);
    for (const line of table(["local", "UTC", "in"], rows)) out.write(line);
  }
  out.flush();
  return EXIT.ok;
}
