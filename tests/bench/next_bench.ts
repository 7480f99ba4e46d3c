/** How often a second `next(after)` is answered, the object reused: six typical expressions. */
// deno-lint-ignore-file no-import-prefix -- the peers are pinned here and nowhere else
import { cronCadence } from "../../lib/time/cron/cron_cadence.ts";
import { apart, report, taskOf } from "./apart.ts";
import { type Cell, printTable } from "./table.ts";

type Next = (after: Date) => Date | null;
type Zone = "UTC" | "Europe/Berlin";

const EXPRESSIONS = [
  "*/5 * * * *",
  "0 * * * *",
  "30 2 * * *",
  "0 9-17 * * MON-FRI",
  "0 0 1 * *",
  "15 10 * * SUN",
];
const ZONES: Zone[] = ["UTC", "Europe/Berlin"];

const CONTESTANTS: Record<string, (expression: string, zone: Zone) => Promise<Next>> = {
  "heddle-scheduler"(expression, zone) {
    const cadence = cronCadence(expression, zone);
    return Promise.resolve((after) => cadence.next(after));
  },
  async "croner 11.0.1"(expression, timezone) {
    const { Cron } = await import("npm:croner@11.0.1");
    const cron = new Cron(expression, { timezone });
    return (after) => cron.nextRun(after);
  },
  async "croner 9.1.0"(expression, timezone) {
    const { Cron } = await import("npm:croner@9.1.0");
    const cron = new Cron(expression, { timezone });
    return (after) => cron.nextRun(after);
  },
  async "cron-parser 5.10.5"(expression, tz) {
    const { CronExpressionParser } = await import("npm:cron-parser@5.10.5");
    const cron = CronExpressionParser.parse(expression, { tz });
    return (after) => {
      cron.reset(after);
      return cron.next().toDate();
    };
  },
  async "cron 4.4.0"(expression, zone) {
    const { CronTime } = await import("npm:cron@4.4.0");
    const cron = new CronTime(expression, zone);
    return (after) => cron.getNextDateFrom(after, zone).toJSDate();
  },
};

const START = new Date("2026-01-01T00:00:00Z");
/** `cron` looks no further than eight years ahead. */
const END = new Date("2032-01-01T00:00:00Z");
/** How long each expression is asked, in milliseconds. */
const DURATION = 1000;

if (Deno.args.length > 0) {
  const { contestant, zone } = taskOf<{ contestant: string; zone: Zone }>();
  let seconds = 0;
  for (const expression of EXPRESSIONS) {
    seconds += secondsPerAnswer(await CONTESTANTS[contestant]!(expression, zone));
  }
  report(EXPRESSIONS.length / seconds);
}

const rows: Cell[][] = [];
for (const contestant of Object.keys(CONTESTANTS)) {
  const row: Cell[] = [contestant];
  for (const zone of ZONES) {
    const outcome = await apart<number>(import.meta.url, { contestant, zone });
    row.push("failure" in outcome ? outcome.failure : outcome.result);
  }
  rows.push(row);
}
printTable("next(after), answers a second", ["scheduler", ...ZONES], rows);

/** Walks through six years again and again, after a while in which it is not timed. */
function secondsPerAnswer(next: Next): number {
  walk(next, DURATION / 4);
  const began = performance.now();
  const answers = walk(next, DURATION);
  return (performance.now() - began) / 1000 / answers;
}

function walk(next: Next, duration: number): number {
  const end = performance.now() + duration;
  let answers = 0;
  for (let at = START; performance.now() < end;) {
    for (let step = 0; step < 100; step++, answers++) {
      at = next(at) ?? START;
      if (at.getTime() > END.getTime()) at = START;
    }
  }
  return answers;
}
