import assert from "node:assert/strict";
import type { SchedulerConfig } from "../../lib/config/load_config.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import {
  randomStalls,
  type SimulatedFiring,
  Simulation,
  type SimulationOptions,
  type SimulationSummary,
} from "../../lib/forecast/simulation.ts";

/** A configuration with these timings, as in a file: the entries are called e0, e1 and so on. */
function configOf(...timings: string[]): SchedulerConfig {
  const entries = timings.map((timing, index) =>
    `- {name: e${index}, ${timing}, dispatch_type: task, task: {worker_type: w}}\n`
  );
  const { config, problems } = parseSchedulerConfig(`name: s\nschedules:\n${entries.join("")}`);
  assert.ok(config !== null, JSON.stringify(problems));
  return config;
}

async function simulate(
  config: SchedulerConfig,
  { from, to, stalls = [] }: { from: string; to: string; stalls?: SimulationOptions["stalls"] },
): Promise<{ firings: SimulatedFiring[]; summary: SimulationSummary }> {
  const simulation = new Simulation(config, { from: new Date(from), to: new Date(to), stalls });
  const firings = [];
  for await (const some of simulation.run()) firings.push(...some);
  return { firings, summary: simulation.summary };
}

const shown = ({ entry, at }: SimulatedFiring) => `${entry} ${at.toISOString()}`;

Deno.test("the night of a gap: the skipped time fires at its end, the steps keep their spacing", async () => {
  const config = configOf(
    "cron: '30 2 * * *', timezone: Europe/Berlin",
    "cron: '*/20 * * * *', timezone: Europe/Berlin",
  );
  const { firings } = await simulate(config, {
    from: "2026-03-29T00:30:00Z",
    to: "2026-03-29T01:20:00Z",
  });
  assert.deepEqual(firings.map(shown), [
    "e1 2026-03-29T00:40:00.000Z",
    "e0 2026-03-29T01:00:00.000Z",
    "e1 2026-03-29T01:00:00.000Z",
    "e1 2026-03-29T01:20:00.000Z",
  ]);
});

Deno.test("spans that follow each other share no firing and miss none", async () => {
  const config = configOf("cron: '*/7 * * * *'", "cron: '0 * * * *', jitter_seconds: 600");
  const [day, noon, night] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T12:00:00Z",
    "2026-01-02T00:00:00Z",
  ];
  const whole = await simulate(config, { from: day, to: night });
  const first = await simulate(config, { from: day, to: noon });
  const second = await simulate(config, { from: noon, to: night });
  const inParts = [...first.firings, ...second.firings].map(shown);
  // The hourly entry's occurrence at noon is due at noon and sent after it, by the second part.
  assert.ok(inParts.includes("e1 2026-01-01T12:01:39.283Z"));
  assert.deepEqual(whole.firings.map(shown), inParts);
});

Deno.test("a year of a thousand entries has every occurrence, once and in order", async () => {
  const timings = Array.from({ length: 1000 }, (_, index) => {
    const [minute, hour] = [index * 7 % 60, index % 24];
    if (index % 100 === 0) return `cron: '${minute} * * * *', timezone: America/New_York`;
    if (index % 10 === 1) return `interval_seconds: ${86_400 + index}`;
    return `cron: '${minute} ${hour} * * *', timezone: Europe/Berlin`;
  });
  const config = configOf(...timings);
  const [from, to] = [new Date("2026-01-01T00:00:00Z"), new Date("2027-01-01T00:00:00Z")];
  const simulation = new Simulation(config, { from, to });
  let before = 0;
  for await (const firings of simulation.run()) {
    for (const { at, lateness } of firings) {
      assert.ok(at.getTime() >= before);
      assert.equal(lateness, 0);
      before = at.getTime();
    }
  }
  for (const [place, { firings, late, misfires }] of simulation.summary.entries.entries()) {
    const { name, timing } = config.entries[place]!;
    let expected = 0;
    const cadence = timing.cadence(from);
    if (timing.periodMs !== null) expected = Math.floor(365 * 86_400_000 / timing.periodMs);
    else for (let at = cadence.next(from)!; at <= to; at = cadence.next(at)!) expected++;
    assert.deepEqual([firings, late, misfires], [expected, 0, 0], name);
  }
});

Deno.test("after a stall the latest occurrence fires for those before it, or is a misfire", async () => {
  const config = configOf("cron: '* * * * *'", "cron: '* * * * *', misfire_grace_seconds: 20");
  const { firings, summary } = await simulate(config, {
    from: "2026-01-01T00:00:00Z",
    to: "2026-01-01T00:05:00Z",
    stalls: [{ start: new Date("2026-01-01T00:01:30Z"), duration: 120_000 }],
  });
  const late = firings.filter(({ lateness }) => lateness > 0);
  assert.deepEqual(
    late.map((
      { entry, scheduledFor, lateness, passedOverSince, skipped },
    ) => [entry, scheduledFor, lateness, passedOverSince, skipped]),
    [
      ["e0", "2026-01-01T00:03:00.000Z", 30_000, "2026-01-01T00:02:00.000Z", null],
      ["e1", "2026-01-01T00:03:00.000Z", 30_000, null, "misfire"],
    ],
  );
  assert.deepEqual(summary.entries, [
    { entry: "e0", firings: 4, late: 1, misfires: 0 },
    { entry: "e1", firings: 3, late: 0, misfires: 1 },
  ]);
  assert.deepEqual(summary.total, { firings: 7, late: 1, misfires: 1 });
});

Deno.test("the busiest second, minute and hour are the first that saw the most", async () => {
  const config = configOf(
    "cron: '0 6,8 * * *'",
    "cron: '0 8 * * *'",
    "cron: '15-17 10 * * *'",
    "cron: '10/10 30 12 * * *'",
  );
  const { summary: { busiest } } = await simulate(config, {
    from: "2026-01-01T00:00:00Z",
    to: "2026-01-03T00:00:00Z",
  });
  assert.deepEqual(busiest, {
    second: { start: new Date("2026-01-01T08:00:00Z"), firings: 2 },
    minute: { start: new Date("2026-01-01T12:30:00Z"), firings: 5 },
    hour: { start: new Date("2026-01-01T12:00:00Z"), firings: 5 },
  });
});

Deno.test("a configuration without a firing has no busiest second", async () => {
  const { firings, summary } = await simulate(configOf("cron: '0 0 29 2 *'"), {
    from: "2026-01-01T00:00:00Z",
    to: "2027-01-01T00:00:00Z",
  });
  assert.deepEqual(firings, []);
  assert.deepEqual(summary.busiest, { second: null, minute: null, hour: null });
});

Deno.test("an expansion is not called: one dispatch stands for it", async () => {
  const { summary } = await simulate(
    configOf("cron: '0 * * * *', expand_from: not.there.atAll"),
    { from: "2026-01-01T00:00:00Z", to: "2026-01-01T03:00:00Z" },
  );
  assert.equal(summary.total.firings, 3);
});

Deno.test("stalls are the same for a seed, others for another, and within the span", async () => {
  const config = configOf("cron: '* * * * *'", "interval_seconds: 7");
  const [from, to] = ["2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z"];
  const run = (seed: number) => {
    const span = { from: new Date(from), to: new Date(to) };
    const stalls = randomStalls(5, { seed, ...span });
    assert.equal(stalls.length, 5);
    for (const { start, duration } of stalls) {
      assert.ok(start >= span.from && start < span.to, start.toISOString());
      assert.ok(duration > 0 && duration <= 3_600_000, String(duration));
    }
    return simulate(config, { from, to, stalls });
  };
  const first = await run(7);
  assert.deepEqual(await run(7), first);
  assert.notDeepEqual((await run(8)).firings, first.firings);
  assert.equal(first.summary.total.late, 10, "one late firing an entry and stall");
});

Deno.test("a simulation that is given up ends", async () => {
  const simulation = new Simulation(configOf("interval_seconds: 1"), {
    from: new Date("2026-01-01T00:00:00Z"),
    to: new Date("2126-01-01T00:00:00Z"),
  });
  for await (const firings of simulation.run()) {
    assert.equal(firings.length, 600);
    break;
  }
});
