/** What a start makes of the checkpoints that it finds, alone and with leases. */
import assert from "node:assert/strict";
import { jitter } from "../../lib/schedule/jitter.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Checkpoint, gaps, Place, type Stored } from "../helpers/durable_place.ts";
import type { LogEvent } from "../helpers/program.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
/** For so long no scheduler ran. */
const DOWN = 10 * SECOND;
const JITTER = 2 * SECOND;
const EACH = Array.from({ length: 12 }, (_, at) => `each-${at}`);
const GRID_START = Date.parse("2026-01-01T00:00:00.250Z");
const GRID = 1500;

/** Some that are spread well over the jitter that the occurrence gives them. */
function spreadNames(occurrence: number, prefix = "spread"): string[] {
  const delayOf = (name: string) => jitter(name, new Date(occurrence), JITTER);
  const names = Array.from({ length: 100 }, (_, at) => `${prefix}-${at}`);
  return [100, 600, 1200, 1800].map((wanted) =>
    names.toSorted((a, b) => Math.abs(delayOf(a) - wanted) - Math.abs(delayOf(b) - wanted))[0]!
  );
}

/** A cron expression that was due so many minutes ago, each hour. */
function minutesAgo(now: number, ...minutes: number[]): { cron: string; occurrences: number[] } {
  const minute = Math.floor(now / 60_000);
  const occurrences = minutes.map((each) => (minute - each) * 60_000).toSorted((a, b) => a - b);
  return {
    cron: `${occurrences.map((each) => new Date(each).getUTCMinutes()).join()} * * * *`,
    occurrences,
  };
}

interface Seen {
  /** When the program was started. */
  readonly started: number;
  readonly log: LogEvent[];
  readonly last: number;
  /** By the phase that the interval had. */
  readonly since: number;
  readonly late: { readonly cron: string; readonly occurrences: number[] };
  readonly backlog: { readonly cron: string; readonly occurrences: number[] };
  readonly counts: Record<string, Record<string, number>>;
  /** As Prometheus reads them. */
  readonly metrics: string;
  of(schedule: string): Stored[];
  skipped(schedule: string): LogEvent[];
}

/** Starts the program once on checkpoints of every kind, and looks until it has caught up. */
async function startAfterPause(...args: string[]): Promise<Seen> {
  const now = Date.now();
  const last = Math.floor(now / SECOND) * SECOND - DOWN;
  const since = last - HOUR - 123;
  const late = minutesAgo(now, 5);
  const backlog = minutesAgo(now, 9, 7, 5);
  const spread = spreadNames(late.occurrences[0]!);
  const slow = spreadNames(backlog.occurrences[0]!, "backlog").at(-1)!;
  const second = `cron: "* * * * * *"`;
  await using place = await Place.open([
    ...EACH.map((name) => `name: ${name}, ${second}, catch_up: all`),
    `name: phase, interval_seconds: 0.7, catch_up: all`,
    `name: blanks, cron: "*  * * *  * *", catch_up: all`,
    `name: zone, ${second}, timezone: Europe/Kyiv, catch_up: all`,
    `name: letters, cron: "* * * * * SUN-SAT", catch_up: all`,
    `name: none, ${second}, catch_up: none`,
    `name: one, ${second}, catch_up: one`,
    `name: unset, ${second}`,
    `name: grace, ${second}, catch_up: all, misfire_grace_seconds: 3`,
    `name: returned, ${second}, catch_up: all`,
    ...spread.map((name) =>
      `name: ${name}, cron: "${late.cron}", catch_up: one, jitter_seconds: ${JITTER / SECOND}`
    ),
    `name: ${slow}, cron: "${backlog.cron}", catch_up: all, jitter_seconds: ${JITTER / SECOND}`,
    ...["grid", "grid-stored"].map((name) =>
      `name: ${name}, interval_seconds: ${GRID / SECOND}, start_at: "${
        new Date(GRID_START).toISOString()
      }"`
    ),
  ]);
  const seconds: Checkpoint = ["* * * * * * UTC", since, last];
  await place.checkpoint({
    ...Object.fromEntries(
      [...EACH, "blanks", "none", "one", "unset", "grace"].map((name) => [name, seconds]),
    ),
    phase: ["0.7", since, since + Math.floor((last - since) / 700) * 700],
    zone: ["* * * * * * Europe/Kiev", since, last],
    letters: ["* * * * * sun-sat UTC", since, last],
    returned: [...seconds, last + 2 * SECOND],
    ...Object.fromEntries(
      spread.map((
        name,
      ) => [name, [`${late.cron} UTC jitter 2`, since, late.occurrences[0]! - HOUR]]),
    ),
    [slow]: [`${backlog.cron} UTC jitter 2`, since, backlog.occurrences[0]! - HOUR + 4 * 60_000],
    "grid-stored": [`1.5 from ${GRID_START}`, GRID_START + 777, last + 777],
  });
  const started = Date.now();
  const program = place.start(...args, "--http", "127.0.0.1:0");
  const firings = (name: string) =>
    program.log("scheduler.firing").filter(({ schedule }) => schedule === name).length;
  // It catches up with nothing but the newest: so it counts the seconds of this run.
  await eventually("it ran for three seconds", () => firings("one") >= 4, 15_000);
  const counts: Seen["counts"] = {};
  for (const name of ["none", "one", "unset", "grace"]) counts[name] = await place.counts(name);
  const { url } = await program.logged("http.listening");
  const metrics = await (await fetch(`${url}metrics`)).text();
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  const messages = await place.stored();
  const log = program.log();
  return {
    started,
    log,
    last,
    since,
    late,
    backlog,
    counts,
    metrics,
    of: (schedule) => messages.filter((each) => each.schedule === schedule),
    skipped: (name) =>
      log.filter(({ event, schedule }) => event === "scheduler.fire_skipped" && schedule === name),
  };
}

/** What was missed and what fired are all there was, each once. */
function assertOneLine(seen: Seen, schedule: string, catchUp: string): LogEvent {
  const all = seen.skipped(schedule);
  const lines = all.filter(({ reason }) => reason === "missed");
  assert.equal(lines.length, 1, `one line: ${JSON.stringify(all.slice(0, 3))}`);
  const [line] = lines as [LogEvent];
  assert.equal(line.level, "warning");
  assert.equal(line.reason, "missed");
  assert.equal(line.catch_up, catchUp);
  const [first, last] = [Date.parse(String(line.first)), Date.parse(String(line.last))];
  assert.equal(first, seen.last + SECOND);
  assert.equal(line.count, (last - first) / SECOND + 1);
  // Where a second begins while the first firing is sent, that one has a newer one or is too late.
  const others = all.filter((each) => each !== line);
  assert.ok(others.length <= 1, JSON.stringify(others));
  for (const { scheduled_for } of others) {
    assert.equal(Date.parse(String(scheduled_for)), last + SECOND);
  }
  const next = seen.of(schedule)[0]?.scheduledFor;
  const isNext = next === last + SECOND || (others.length === 1 && next === last + 2 * SECOND);
  assert.ok(isNext, `the next one fires, not ${next}`);
  assert.ok(gaps(seen.of(schedule)).every((gap) => gap === SECOND));
  assert.equal(seen.counts[schedule]!.missed, line.count, "status counts them");
  const counter = "heddle_scheduler_firings_total" +
    `{schedule="${schedule}",dispatch_type="task",outcome="missed"} ${line.count}\n`;
  assert.ok(seen.metrics.includes(counter), `the metrics have ${counter}`);
  return line;
}

function assertEach(seen: Seen, schedule: string): void {
  const messages = seen.of(schedule);
  assert.equal(messages[0]?.scheduledFor, seen.last + SECOND, `the oldest of ${schedule}`);
  assert.ok(gaps(messages).every((gap) => gap === SECOND), `${schedule}: ${gaps(messages)}`);
}

const MODES: [string, string[], string][] = [
  ["a scheduler that is alone", [], "none"],
  ["a replica that acquires three leases at once", ["--replicas", "--shards", "3"], "one"],
];

for (const [who, args, unset] of MODES) {
  Deno.test(`${who} goes on from its checkpoints after a while without a scheduler`, async (t) => {
    const seen = await startAfterPause(...args);

    await t.step("no occurrence of any entry is lost", () => {
      for (const name of EACH) assertEach(seen, name);
    });

    await t.step("an interval keeps its phase", () => {
      const messages = seen.of("phase");
      assert.ok(messages.length > DOWN / 700, `${messages.length} messages`);
      assert.ok(gaps(messages).every((gap) => gap === 700), String(gaps(messages)));
      assert.equal((messages[0]!.scheduledFor - seen.since) % 700, 0);
    });

    await t.step("a timing in other words is the same timing", () => {
      for (const name of ["blanks", "zone", "letters"]) assertEach(seen, name);
    });

    await t.step("what is missed with catch_up none is said in one line, and counted", () => {
      const { last } = assertOneLine(seen, "none", "none");
      assert.ok(Date.parse(String(last)) > seen.started - SECOND);
    });

    await t.step("so is what catch_up one leaves out, which fires the latest", () => {
      const { last } = assertOneLine(seen, "one", "one");
      assert.ok(Date.parse(String(last)) < seen.of("one")[0]!.storedAt - SECOND);
    });

    await t.step(`catch_up is ${unset} where the file does not say`, () => {
      assertOneLine(seen, "unset", unset);
    });

    await t.step("what is too late for its grace is said in one line", () => {
      const { last } = assertOneLine(seen, "grace", "all");
      assert.ok(Date.parse(String(last)) < seen.of("grace")[0]!.storedAt - 2 * SECOND);
    });

    await t.step("an entry that was out of the file is not caught up with", () => {
      const [first] = seen.of("returned");
      assert.ok(first!.scheduledFor > seen.started, "it returns as new");
      assert.deepEqual(seen.skipped("returned"), []);
    });

    await t.step("late occurrences are spread over their jitter", () => {
      const [occurrence] = seen.late.occurrences as [number];
      const starts = spreadNames(occurrence).map((name) => {
        const [message, ...more] = seen.of(name);
        assert.equal(message?.scheduledFor, occurrence, name);
        assert.deepEqual(more, [], name);
        return message!.storedAt - jitter(name, new Date(occurrence), JITTER);
      });
      const earliest = Math.min(...starts);
      assert.ok(earliest >= seen.started, "none before its delay");
      assert.ok(Math.max(...starts) - earliest < 700, `each after its own: ${starts}`);
    });

    await t.step("of a backlog the oldest is delayed, and the rest follows it", () => {
      const { occurrences } = seen.backlog;
      const name = spreadNames(occurrences[0]!, "backlog").at(-1)!;
      const messages = seen.of(name);
      assert.deepEqual(messages.map(({ scheduledFor }) => scheduledFor), occurrences);
      const delay = jitter(name, new Date(occurrences[0]!), JITTER);
      // What has no jitter is caught up with at once.
      const waited = messages[0]!.storedAt - seen.of("one")[0]!.storedAt;
      assert.ok(waited > delay - 500, `${waited} ms, not ${delay} ms, after the others`);
      assert.ok(messages.at(-1)!.storedAt - messages[0]!.storedAt < 500, "without one of its own");
    });

    await t.step("an interval with a past start_at stays on its grid", () => {
      for (const name of ["grid", "grid-stored"]) {
        const messages = seen.of(name);
        assert.ok(messages.length >= 1, name);
        for (const { scheduledFor } of messages) {
          assert.equal((scheduledFor - GRID_START) % GRID, 0, name);
        }
      }
    });
  });
}
