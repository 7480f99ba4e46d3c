/** Checkpoints and leases that are wrong: written under a wrong clock, or by nobody in their right form. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { checkpointKey, leaseKey } from "../../lib/durable/keys.ts";
import { partitionOf, shardOf } from "../../lib/durable/shards.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Checkpoint, gaps, Place, SCHEDULER } from "../helpers/durable_place.ts";
import type { LogEvent, Program } from "../helpers/program.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const CLOCK_OFFSET = fileURLToPath(new URL("../chaos/clock_offset.ts", import.meta.url));
const EACH_SECOND = `cron: "* * * * * *"`;

const firings = (program: Program, entry: string) =>
  program.log("scheduler.firing").filter(({ schedule }) => schedule === entry);

/** What is said of the checkpoints and the leases. */
function warnings(program: Program): LogEvent[] {
  const others = ["scheduler.fire_skipped", "scheduler.clock_jumped"];
  return program.log().filter(({ level, event }) => level === "warning" && !others.includes(event));
}

/** The instants in a line, but for the one of the line itself. */
function instantsIn({ timestamp: _, ...fields }: LogEvent): number[] {
  return Object.values(fields).filter((value) => /^\d{4}-\d\d-\d\dT.*Z$/.test(String(value)))
    .map((value) => Date.parse(String(value)));
}

const says = (line: LogEvent, text: string) => Object.values(line).some((value) => value === text);

/** Starts the program on a clock that is off by what `set` says. */
async function onOwnClock(place: Place, offset: number) {
  const path = `${place.directory}/clock`;
  const set = (offset: number) => Deno.writeTextFile(path, String(offset));
  await set(offset);
  const program = place.startWith({
    command: [Deno.execPath(), "run", "-P", "--preload", CLOCK_OFFSET, "main.ts"],
    env: { HEDDLE_SCHEDULER_TEST_CLOCK_FILE: path },
  });
  return { program, set };
}

Deno.test("a checkpoint that a clock ahead of the server's wrote is reported, and its entry begins as new", async () => {
  await using place = await Place.open([
    `name: cron, ${EACH_SECOND}, catch_up: all`,
    "name: interval, interval_seconds: 0.5",
    `name: since, ${EACH_SECOND}`,
    `name: right, ${EACH_SECOND}, catch_up: all`,
  ]);
  const now = Math.floor(Date.now() / SECOND) * SECOND;
  const ahead = now + 400 * DAY;
  await place.checkpoint({
    cron: ["* * * * * * UTC", ahead - 5 * SECOND, ahead],
    interval: ["0.5", ahead - 5 * SECOND, ahead],
    since: ["* * * * * * UTC", ahead, null],
    right: ["* * * * * * UTC", now - DAY, now - 3 * SECOND],
  });
  const program = place.start();
  await eventually(
    "all fire",
    () =>
      ["cron", "interval", "since"].every((entry) => firings(program, entry).length >= 2) &&
      firings(program, "right").length >= 5,
    5000,
  );
  for (const entry of ["cron", "interval", "since"]) {
    for (const { scheduled_for } of firings(program, entry)) {
      const due = Date.parse(String(scheduled_for));
      assert.ok(due > now && due < now + DAY, `${entry} is due at ${scheduled_for}`);
    }
    const lines = warnings(program).filter(({ schedule }) => schedule === entry);
    assert.equal(lines.length, 1, `one warning of ${entry}`);
    const instants = instantsIn(lines[0]!);
    assert.ok(instants.some((each) => Math.abs(each - ahead) <= 5 * SECOND), "what was written");
    assert.ok(
      instants.some((each) => Math.abs(each - now) <= 5 * SECOND),
      "when the server had it",
    );
  }
  assert.equal(
    firings(program, "right")[0]!.scheduled_for,
    new Date(now - 2 * SECOND).toISOString(),
  );
  assert.deepEqual(warnings(program).filter(({ schedule }) => schedule === "right"), []);
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  for (const entry of ["cron", "interval"]) {
    const [, since, last] = (await place.checkpointOf(entry))!;
    assert.ok(since < now + DAY && Number(last) < now + DAY, `${entry} is right afterwards`);
  }
});

Deno.test("a clock that lies behind a checkpoint is told by how much, and nothing fires twice once it is right", async () => {
  const behind = 120 * SECOND;
  await using place = await Place.open([
    `name: a, ${EACH_SECOND}`,
    `name: b, ${EACH_SECOND}`,
    "name: tick, interval_seconds: 0.3",
  ]);
  const last = Math.floor(Date.now() / SECOND) * SECOND;
  await place.checkpoint({
    a: ["* * * * * * UTC", last - DAY, last],
    b: ["* * * * * * UTC", last - DAY, last],
  });
  const { program, set } = await onOwnClock(place, -behind);
  await eventually("it runs", () => firings(program, "tick").length >= 3);
  const isBehind = (value: unknown) =>
    typeof value === "number" && Math.abs(value - behind) <= 10 * SECOND;
  const lines = warnings(program).filter((line) => Object.values(line).some(isBehind));
  await set(0);
  await program.logged("scheduler.clock_jumped");
  await eventually(
    "they fire",
    () => ["a", "b"].every((entry) => firings(program, entry).length >= 2),
  );
  for (const entry of ["a", "b"]) {
    const due = firings(program, entry).map(({ scheduled_for }) =>
      Date.parse(String(scheduled_for))
    );
    assert.ok(due.every((each) => each > last), "nothing that had fired");
    assert.equal(new Set(due).size, due.length);
  }
  assert.equal(lines.length, 1, "one warning with how far behind the clock is, in milliseconds");
});

Deno.test("a clock that is set back, where the server shows that it was ahead", async (t) => {
  await using place = await Place.open([
    `name: cron, ${EACH_SECOND}`,
    "name: interval, interval_seconds: 0.5",
  ]);
  const entries = ["cron", "interval"];
  const { program, set } = await onOwnClock(place, 400 * DAY);
  const lastOf = async (entry: string) => Number((await place.checkpointOf(entry))?.[2] ?? 0);
  await eventually("it is remembered under the wrong clock", async () => {
    const last = await Promise.all(entries.map(lastOf));
    return last.every((each) => each > Date.now() + DAY);
  });
  await set(0);
  await program.logged("scheduler.clock_jumped");
  const right = Date.now();

  await t.step("the checkpoints follow it", async () => {
    await eventually("they are right", async () => {
      const last = await Promise.all(entries.map(lastOf));
      return last.every((each) => each < Date.now() + SECOND);
    }, 4000);
  });

  await t.step("status says that they do", async () => {
    const { clock_set_back } = await place.ask({ action: "status" });
    const { was_ahead, ahead_ms } = clock_set_back as { was_ahead: boolean; ahead_ms: number };
    assert.equal(was_ahead, true);
    assert.ok(Math.abs(ahead_ms - 400 * DAY) < 60 * SECOND, `${ahead_ms}`);
  });

  await t.step("what is due by it fires", async () => {
    await eventually("cron goes on", () =>
      firings(program, "cron").some(({ scheduled_for }) => {
        const due = Date.parse(String(scheduled_for));
        return due > right - SECOND && due < right + DAY;
      }), 2000);
  });

  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);
  const again = place.start();

  await t.step("so does the next start", async () => {
    await eventually(
      "both fire",
      () => entries.every((entry) => firings(again, entry).length >= 1),
      3000,
    );
  });
});

Deno.test("what is no instant or no document is reported, and everything else goes on", async (t) => {
  const bad: Record<string, unknown[]> = {
    "huge-last": ["* * * * * * UTC", 1_700_000_000_000, 1e300],
    "huge-since": ["* * * * * * UTC", 1e300, null],
    "negative": ["* * * * * * UTC", -1e300, -1e300],
    "text": ["* * * * * * UTC", "yesterday", null],
  };
  await using place = await Place.open([
    ...Object.keys(bad).map((name) => `name: ${name}, ${EACH_SECOND}, catch_up: all`),
    ...["good", "no-json", "huge-term"].map((name) =>
      `name: ${name}, ${EACH_SECOND}, catch_up: all`
    ),
  ]);
  const last = Math.floor(Date.now() / SECOND) * SECOND - 3 * SECOND;
  const good: Checkpoint = ["* * * * * * UTC", last - DAY, last];
  const keyOf = (name: string) => checkpointKey(SCHEDULER, partitionOf(name));
  await place.checkpoint({ ...bad as Record<string, Checkpoint>, good });
  await place.put(keyOf("no-json"), "{ this is no document");
  await place.put(keyOf("huge-term"), JSON.stringify({ term: 1e300, entries: {} }));
  const program = place.start();
  const names = [...Object.keys(bad), "no-json", "huge-term"];
  await eventually("all fire", () => {
    if (!program.running) throw new Error(`It ended: ${program.stderr.slice(-5).join("\n")}`);
    return names.every((entry) => firings(program, entry).length >= 2) &&
      firings(program, "good").length >= 5;
  }, 6000);
  const due = firings(program, "good").map(({ scheduled_for }) => ({
    scheduledFor: Date.parse(String(scheduled_for)),
  }));
  program.kill("SIGTERM");
  assert.equal(await program.exit(), 0);

  await t.step("an entry with a right checkpoint goes on from there", () => {
    assert.equal(due[0]!.scheduledFor, last + SECOND);
    assert.ok(gaps(due).every((gap) => gap === SECOND));
  });

  await t.step("a warning names the key and the entry", () => {
    for (const entry of Object.keys(bad)) {
      const lines = warnings(program).filter(({ schedule }) => schedule === entry);
      assert.equal(lines.length, 1, `one of ${entry}`);
      assert.ok(says(lines[0]!, keyOf(entry)), JSON.stringify(lines[0]));
    }
  });

  await t.step("a warning names the key of a document that is none", () => {
    for (const name of ["no-json", "huge-term"]) {
      const lines = warnings(program).filter((line) => says(line, keyOf(name)));
      assert.equal(lines.length, 1, name);
    }
  });

  await t.step("what is written then is right", async () => {
    for (const name of names) {
      const written = await (await place.bucket()).get(keyOf(name));
      const { term, entries } = written!.json<{
        term: number | null;
        entries: Record<string, Checkpoint>;
      }>();
      assert.ok(term === null || Number.isSafeInteger(term), `${name}: the term is ${term}`);
      assert.ok(Math.abs(Number(entries[name]![2]) - Date.now()) < 60 * SECOND, name);
    }
  });
});

Deno.test("a lease whose record is out of range is reported, and its term grows again", async () => {
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const owner = [0, 1, 2].map((shard) => names.find((name) => shardOf(name, 3) === shard)!);
  await using place = await Place.open(owner.map((name) => `name: ${name}, ${EACH_SECOND}`));
  const record = { holder: null, term: 7, ttl: 1000, shards: 3, schedules: "", firedUntil: null };
  await place.put(leaseKey(SCHEDULER, 0), JSON.stringify({ ...record, term: 1e300 }));
  await place.put(leaseKey(SCHEDULER, 1), JSON.stringify({ ...record, firedUntil: 1e300 }));
  await place.put(leaseKey(SCHEDULER, 2), "no record");
  const args = ["--replicas", "--shards", "3", "--lease-ttl", "1", "--replica-name", "a"];
  const terms: number[] = [];
  for (let start = 1; start <= 2; start++) {
    const program = place.start(...args);
    await eventually("all fire", () => {
      if (!program.running) throw new Error(`It ended: ${program.stderr.slice(-5).join("\n")}`);
      return owner.every((entry) => firings(program, entry).length >= 1);
    }, 6000);
    const { term } = program.log("scheduler.lease_acquired").find(({ shard }) => shard === 0)!;
    terms.push(Number(term));
    if (start === 1) {
      for (const shard of [0, 1, 2]) {
        const key = leaseKey(SCHEDULER, shard);
        assert.equal(warnings(program).filter((line) => says(line, key)).length, 1, key);
      }
    }
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  }
  assert.ok(terms.every(Number.isSafeInteger), String(terms));
  assert.ok(terms[1]! > terms[0]!, String(terms));
});
