/**
 * The soak, by hand: `deno task soak`, ten minutes, or `deno task soak --minutes 1`. Exits 1 when
 * something was lost or doubled, or when descriptors or threads grow (from five minutes on).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Measure, MEASURES, trend } from "./samples.ts";
import { runSoak, type SoakReport } from "./soak.ts";

/** What the line through the samples may rise by: threads and warm children come and go. */
const MAX_GROWTH: Partial<Record<Measure, number>> = { descriptors: 10, threads: 10 };
/** A line through fewer samples says nothing. */
const MIN_SAMPLES = 12;

/** Prints the report, and returns what is wrong with it. */
function conclude(report: SoakReport): string[] {
  const { messages, lost, doubled, other, reloads, scrapes, lateness } = report;
  const wrong = other.slice(0, 20);
  for (const [name, samples] of report.samples) {
    for (const measure of Object.keys(MEASURES) as Measure[]) {
      const { from, to, perMinute, largest } = trend(samples, measure);
      console.log(
        `replica ${name}: ${measure.padEnd(11)} ${from.toFixed(1)} → ${to.toFixed(1)} ` +
          `${MEASURES[measure]}, ${perMinute.toFixed(2)} a minute, at most ${largest}`,
      );
      const allowed = MAX_GROWTH[measure];
      if (allowed === undefined || samples.length < MIN_SAMPLES) continue;
      if (to - from > allowed) wrong.push(`${name}: ${measure} grow`);
    }
  }
  const late = (share: number) => lateness[Math.floor(share * (lateness.length - 1))];
  if ([...report.samples.values()].some(({ length }) => length < MIN_SAMPLES)) {
    console.log("a slope takes five minutes: these say little");
  }
  console.log(`lateness: ${late(0.5)} ms in the middle, p99 ${late(0.99)} ms, worst ${late(1)} ms`);
  console.log(`warnings and errors: ${JSON.stringify(Object.fromEntries(report.complaints))}`);
  console.log(
    `${messages} messages, ${reloads} reloads, ${scrapes} scrapes; lost ${lost}, doubled ${doubled}`,
  );
  if (lost + doubled > 0) wrong.push("messages were lost or doubled");
  return wrong;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "10" }, executable: { type: "string" } },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes "${values.minutes}": expected a number above 0`);
  if (Deno.build.os !== "linux") throw new Error("The soak reads /proc: it runs on Linux only");
  const say = (line: string) => console.log(line);
  const wrong = conclude(await runSoak({ minutes, executable: values.executable, say }));
  for (const each of wrong) console.log(`FAULT ${each}`);
  return wrong.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(error instanceof Error ? `error: ${error.message}` : error);
    Deno.exit(2);
  }
}
