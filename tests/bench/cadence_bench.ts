/** `next(after)` in a zone, the object reused, against croner with its `timezone` option. */
import { Cron } from "croner";
import { cronCadence } from "../../lib/time/cron_cadence.ts";

const ZONE = "Europe/Berlin";
const EXPRESSIONS = [
  "*/5 * * * *",
  "0 * * * *",
  "30 2 * * *",
  "0 9-17 * * MON-FRI",
  "0 0 1 * *",
  "15 10 * * SUN",
];
const START = new Date("2026-01-01T00:00:00Z");
const END = new Date("2036-01-01T00:00:00Z");

/** Asks for the occurrence after the last answer, over the same ten years again and again. */
function walk(next: (after: Date) => Date | null): () => void {
  let at = START;
  return () => {
    at = next(at) ?? START;
    if (at > END) at = START;
  };
}

for (const expression of EXPRESSIONS) {
  const ours = cronCadence(expression, ZONE);
  const name = expression.padEnd(20);
  const options = { group: expression };
  Deno.bench(`${name} here`, { ...options, baseline: true }, walk((after) => ours.next(after)));

  const croner = new Cron(expression, { timezone: ZONE });
  Deno.bench(`${name} croner`, options, walk((after) => croner.nextRun(after)));
}
