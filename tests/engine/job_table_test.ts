/** Reloads, leases and clocks, as the table of jobs sees them. */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { NOBODY, type Owner, SOLE } from "../../lib/durable/owner.ts";
import { Firing } from "../../lib/engine/firing.ts";
import type { Job } from "../../lib/engine/job.ts";
import { JobTable, type JobTableOptions, type Placement } from "../../lib/engine/job_table.ts";
import type { Due, Known } from "../../lib/schedule/occurrences.ts";
import { ManualClock, settle } from "../../lib/time/manual_clock.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";
import { checkpointThat, dueAt } from "../helpers/jobs.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { RacingClock } from "../helpers/racing_clock.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

/** A table whose test says who owns what, and what is remembered: seconds since START. */
function setUp(
  { clock = new ManualClock(START), ...options }: Partial<Omit<JobTableOptions, "clock">> & {
    clock?: ManualClock;
  } = {},
) {
  const log = new LogRecorder();
  const table = new JobTable({ clock, logger: log, ...options });
  const owners = new Map<string, Owner>();
  const remembered = new Map<string, Known>();
  const placement: Placement = {
    ownerOf: (name) => owners.get(name) ?? SOLE,
    recall: (name) => {
      const known = remembered.get(name);
      return known === undefined ? null : { checkpoint: checkpointThat(() => {}), known };
    },
  };
  const instant = (second: number) => START + second * 1000;
  const remember = (name: string, known: { since?: number; last?: number | null }) => {
    const { since = -1_000_000, last = null } = known;
    remembered.set(name, {
      since: instant(since),
      last: last === null ? null : instant(last),
      isNew: false,
      startsAt: null,
      firedUntil: null,
    });
  };
  const prepare = (...entries: ScheduleEntry[]) => table.prepare(entries, placement);
  const load = async (...entries: ScheduleEntry[]) =>
    table.swap(await prepare(...entries), placement).map(({ name }) => name);
  const secondOf = (at: number) => (at - START) / 1000;
  /** Takes what is due by now: `name@second`. */
  const takeDue = (onDue: (job: Job, due: Due) => void = () => {}) => {
    const dues: string[] = [];
    const collect = (job: Job, due: Due) => {
      dues.push(`${job.name}@${secondOf(due.scheduledFor)}`);
      onDue(job, due);
    };
    while (table.takeDue(clock.now(), collect));
    return dues;
  };
  /** Lets seconds pass, and takes what comes due, as a loop does. */
  const run = async (seconds: number) => {
    const end = clock.now() + seconds * 1000;
    const dues = takeDue();
    while (table.nextDue <= end) {
      await clock.advance(table.nextDue - clock.now());
      dues.push(...takeDue());
    }
    await clock.advance(end - clock.now());
    return dues;
  };
  const nextDue = () => secondOf(table.nextDue);
  return {
    table,
    clock,
    log,
    owners,
    placement,
    remember,
    prepare,
    load,
    takeDue,
    run,
    nextDue,
  };
}

/** A lease. */
const owner = (): Owner => ({ state: "held", term: 1, permit: () => () => true });

/** Something of the job runs. */
function startFiring(job: Job): Firing {
  const due = dueAt(START);
  const running = new Firing(job, due, { id: "", lateness: 0, span: null });
  job.activity = { running, waiting: null };
  return running;
}

const tens = (name: string, more = {}) => cronEntry(name, "*/10 * * * * *", more);
/** The same instants in other words, so that it is planned anew. */
const others = (name: string, more = {}) =>
  tens(name, { endAt: new Date("2030-01-01T00:00:00Z"), ...more });
/** Each minute, up to 50 s later. */
const jittered = (more = {}) => cronEntry("import", "0 * * * * *", { jitterSeconds: 50, ...more });

Deno.test("a job whose timing stays goes on where it is, with its new entry", async () => {
  const { table, clock, load, nextDue } = setUp();
  await load(intervalEntry("a", 7));
  const job = table.get("a")!;
  await clock.advance(3000);
  const entry = intervalEntry("a", 7, { expandTimeoutSeconds: 5 });
  assert.deepEqual(await load(tens("b"), entry), []);
  assert.deepEqual([table.get("a") === job, job.entry === entry], [true, true]);
  assert.equal(nextDue(), 7);
  assert.deepEqual(table.jobs.map(({ name }) => name), ["b", "a"]);
});

Deno.test("an interval whose timing changes counts from the reload", async () => {
  const { clock, load, run } = setUp();
  await load(intervalEntry("a", 7));
  await clock.advance(3000);
  await load(intervalEntry("a", 5));
  assert.deepEqual(await run(11), ["a@8", "a@13"]);
});

Deno.test("a plan that a firing overtook is made again: not twice", async () => {
  const { table, clock, placement, load, prepare, run, takeDue } = setUp();
  await load(tens("a"));
  await clock.advance(9000);
  const draft = await prepare(others("a"));
  await clock.advance(1000);
  assert.deepEqual(takeDue(), ["a@10"]);
  table.swap(draft, placement);
  assert.deepEqual(await run(20), ["a@20", "a@30"]);
});

Deno.test("what is due at the swap and has not been taken still fires: not zero times", async () => {
  const { table, clock, placement, load, prepare, run } = setUp();
  await load(tens("a"));
  await clock.advance(9000);
  const draft = await prepare(cronEntry("a", "5,25 * * * * *"));
  await clock.advance(1500);
  table.swap(draft, placement);
  assert.deepEqual(await run(60), ["a@10", "a@25", "a@65"]);
});

Deno.test("a plan from before the clock was set is made again", async () => {
  const { table, clock, placement, load, prepare, nextDue } = setUp();
  await load(intervalEntry("a", 30));
  const draft = await prepare(intervalEntry("a", 10));
  clock.jump(5000);
  table.followClock(5000);
  table.swap(draft, placement);
  assert.equal(nextDue(), 15);
});

Deno.test("a plan from before the lease came, or went, is made again", async () => {
  const { table, owners, placement, load, prepare, nextDue } = setUp();
  const lease = owner();
  owners.set("a", NOBODY);
  await load(tens("a"));
  const parked = await prepare(others("a"));
  owners.set("a", lease);
  table.swap(parked, placement);
  assert.deepEqual([table.get("a")!.owner === lease, nextDue()], [true, 10]);
  const owned = await prepare(tens("a"));
  owners.set("a", NOBODY);
  table.swap(owned, placement);
  assert.deepEqual([table.get("a")!.owner === NOBODY, nextDue()], [true, Infinity]);
});

Deno.test("each occurrence fires once around a reload, whatever pauses it takes", async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const clock = new RacingClock(START + 9960, seed);
    const { table, placement, load, prepare } = setUp({ clock });
    const names = Array.from({ length: 400 }, (_, index) => `e${index}`);
    await load(...names.map((name) => tens(name)));
    const times = new Map<string, number>();
    const take = () => {
      while (
        table.takeDue(clock.now(), ({ name }, { scheduledFor }) => {
          const key = `${name}@${(scheduledFor - START) / 1000}`;
          times.set(key, (times.get(key) ?? 0) + 1);
        })
      );
    };
    let isDone = false;
    const reloading = prepare(...names.map((name) => others(name))).then((draft) => {
      table.swap(draft, placement);
      isDone = true;
    });
    while (!isDone) {
      await clock.advance(3);
      if (seed % 2 === 0) take();
    }
    await reloading;
    while (clock.now() < START + 31_000) {
      await clock.advance(500);
      take();
    }
    const expected = new Map(
      names.flatMap((name) => [10, 20, 30].map((second) => [`${name}@${second}`, 1] as const)),
    );
    assert.deepEqual([...times].sort(), [...expected].sort(), `seed ${seed}`);
  }
});

Deno.test("the jobs of entries that are removed or disabled come back from the swap", async () => {
  const { table, load, run } = setUp();
  const entries = ["a", "b", "c", "d"].map((name) => tens(name));
  await load(...entries, tens("off", { enabled: false }));
  const stopped = await load(entries[0]!, tens("b", { enabled: false }), entries[3]!);
  assert.deepEqual(stopped.sort(), ["b", "c", "off"]);
  assert.equal(table.get("c"), undefined);
  assert.deepEqual(await run(10), ["a@10", "d@10"]);
  assert.deepEqual(await load(tens("b"), entries[0]!), ["d"]);
  assert.deepEqual(await run(10), ["b@20", "a@20"]);
});

Deno.test("a removed job whose firing runs comes back with its name, and only then", async () => {
  const { table, load } = setUp();
  await load(tens("a"), tens("b"));
  const job = table.get("a")!;
  const firing = startFiring(job);
  await load(tens("b"));
  await load(tens("b")); // another reload meanwhile
  await load(tens("a"), tens("b"));
  assert.equal(table.get("a"), job);
  assert.equal(table.get("a")!.running, firing, "so that it does not overlap itself");
  await load(tens("b"));
  job.activity = null;
  await load(tens("b"));
  await load(tens("a"));
  assert.notEqual(table.get("a"), job);
});

Deno.test("a removed job that has nothing under way does not come back", async () => {
  const { table, load } = setUp();
  await load(tens("a"));
  const job = table.get("a")!;
  await load();
  await load(tens("a"));
  assert.notEqual(table.get("a"), job);
});

/**
 * An occurrence of :00 that its jitter held back until :17.534, and that was found late at :30: it is
 * sent at :47.534, and the next one, of 1:00, at 1:40.043.
 */
async function withLate(entry = jittered(), options: Parameters<typeof setUp>[0] = {}) {
  const all = setUp(options);
  await all.load(entry);
  await all.clock.advance(30_000);
  return { ...all, taken: all.takeDue() };
}

Deno.test("a late occurrence is delayed by its jitter from when it was found late", async () => {
  const { taken, nextDue, run } = await withLate();
  assert.deepEqual([taken, nextDue()], [[], 47.534]);
  assert.deepEqual(await run(17.5), []);
  assert.deepEqual(await run(0.034), ["import@0"]);
  assert.equal(nextDue(), 100.043);
});

Deno.test("what is skipped at once, or waits anyway, is not delayed", async () => {
  const late = await withLate(jittered({ misfireGraceSeconds: 10 }));
  assert.deepEqual(late.taken, ["import@0"]);
  const paused = await withLate(jittered(), { isPaused: (name) => name === "import" });
  assert.deepEqual(paused.taken, ["import@0"]);
  const lapsed = setUp();
  lapsed.owners.set("import", { ...owner(), state: "lapsed" });
  await lapsed.load(jittered());
  await lapsed.clock.advance(30_000);
  assert.deepEqual(lapsed.takeDue(), ["import@0"]);
});

Deno.test("a late occurrence outlives a reload, also of its timing", async () => {
  for (const endAt of [null, new Date("2030-01-01T00:00:00Z")]) {
    const { load, run } = await withLate();
    await load(jittered({ endAt }));
    assert.deepEqual(await run(90), ["import@0", "import@60"]);
  }
});

Deno.test("a late occurrence that was sent while a reload was prepared is not sent again", async () => {
  const { table, placement, prepare, run } = await withLate();
  const draft = await prepare(jittered({ endAt: new Date("2030-01-01T00:00:00Z") }));
  assert.deepEqual(await run(20), ["import@0"]);
  table.swap(draft, placement);
  assert.deepEqual(await run(70), ["import@60"]);
});

Deno.test("what came due beside a late occurrence is not lost with a change of its timing", async () => {
  const { clock, load, takeDue } = await withLate();
  await clock.advance(75_000);
  await load(jittered({ endAt: new Date("2030-01-01T00:00:00Z") }));
  assert.deepEqual(takeDue(), ["import@60"], "it stands for both");
});

Deno.test("a late occurrence that is due at a change of its timing fires, and then the new timing", async () => {
  const { clock, load, run } = await withLate();
  await clock.advance(20_000);
  await load(cronEntry("import", "45 * * * * *"));
  assert.deepEqual(await run(70), ["import@0", "import@105"]);
});

Deno.test("a late occurrence of an entry that was disabled, or removed, is not sent", async () => {
  for (const isRunning of [false, true]) {
    const { table, clock, load, run } = await withLate();
    if (isRunning) startFiring(table.get("import")!);
    await load(...isRunning ? [] : [jittered({ enabled: false })]);
    clock.jump(1000);
    table.followClock(1000);
    assert.deepEqual(await run(29), []);
    await load(jittered());
    assert.deepEqual(await run(50), ["import@60"]);
  }
});

Deno.test("a late occurrence follows a clock that was set", async () => {
  const { table, clock, nextDue, run } = await withLate();
  clock.jump(-10_000);
  table.followClock(-10_000);
  assert.equal(nextDue(), 37.534);
  assert.deepEqual(await run(20), ["import@0"]);
});

/** So many that work on them takes several slices. */
const MANY = Array.from({ length: 2000 }, (_, index) => `e${index}`);

/** A table of jobs that nobody owns yet, on a clock on which work takes time. */
async function unowned(seed: number) {
  const clock = new RacingClock(START, seed);
  const all = setUp({ clock });
  for (const name of [...MANY, "new"]) all.owners.set(name, NOBODY);
  const loading = all.load(...MANY.map((name) => tens(name)));
  let isLoaded = false;
  void loading.then(() => isLoaded = true);
  while (!isLoaded) await clock.advance(5);
  return { ...all, clock };
}

/** Adopts all that nobody owns; `between` is called once, when the work has paused. */
async function adopt(
  { table, placement }: Awaited<ReturnType<typeof unowned>>,
  lease: Owner,
  { between = () => {}, mayBegin = () => true }: { between?(): void; mayBegin?(): boolean } = {},
) {
  const owned = () => table.jobs.filter((job) => job.owner === lease).length;
  let result: boolean | null = null;
  const done = table.adopt(lease, {
    recall: placement.recall,
    isMeant: (job) => job.owner === NOBODY,
    mayBegin: () => {
      assert.equal(owned(), 0, "none has begun before");
      return mayBegin();
    },
  }).then((hasBegun) => result = hasBegun);
  assert.equal(result, null);
  between();
  let turns = 0;
  for (; result === null; turns++) {
    assert.equal(owned(), 0, "all begin in one step");
    await settle();
  }
  assert.ok(turns > 3, "it took several slices");
  return await done;
}

Deno.test("the jobs of a lease begin in one step, and none where it has gone", async () => {
  const found = await unowned(1);
  const lease = owner();
  assert.equal(await adopt(found, lease, { mayBegin: () => false }), false);
  assert.ok(found.table.jobs.every((job) => job.owner === NOBODY));
  assert.equal(found.nextDue(), Infinity);
  assert.equal(await adopt(found, lease), true);
  assert.ok(found.table.jobs.every((job) => job.owner === lease));
  assert.equal(found.nextDue(), 10);
});

Deno.test("with a reload in between, jobs begin with what the table holds then", async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const found = await unowned(seed);
    const { table, placement, clock } = found;
    const gone = table.get("e0")!;
    const entries = [
      ...MANY.slice(2).map((name) => tens(name)),
      cronEntry("e1", "7 * * * * *"),
      tens("new"),
      tens("off", { enabled: false }),
    ];
    let draft: Awaited<ReturnType<typeof found.prepare>> | null = null;
    void found.prepare(...entries).then((made) => draft = made);
    while (draft === null) await clock.advance(5);
    const lease = owner();
    await adopt(found, lease, { between: () => table.swap(draft!, placement) });
    assert.equal(gone.owner, NOBODY);
    assert.ok(table.jobs.every((job) => job.owner === lease || job.name === "off"));
    assert.equal(table.get("e1")!.next, START + 7000, "by its new timing");
    assert.equal(table.get("new")!.next, START + 10_000);
    assert.equal(table.get("e1999")!.next, START + 10_000);
  }
});

Deno.test("with the clock set in between, jobs begin by the clock as it is", async () => {
  const found = await unowned(2);
  const { table, clock } = found;
  await adopt(found, owner(), {
    between: () => {
      clock.jump(3_600_000);
      table.followClock(3_600_000);
    },
  });
  assert.ok(table.jobs.every(({ next }) => next >= START + 3_610_000));
});

Deno.test("only what is meant begins, from its own checkpoint", async () => {
  const { table, owners, placement, remember, load, takeDue, clock } = setUp();
  for (const name of ["a", "b", "c"]) owners.set(name, NOBODY);
  await load(tens("a", { catchUp: "all" }), tens("b"), tens("c", { catchUp: "one" }));
  remember("a", { last: 10 });
  remember("c", { last: 0 });
  await clock.advance(35_000);
  const lease = owner();
  await table.adopt(lease, {
    recall: placement.recall,
    isMeant: ({ name }) => name !== "b",
    mayBegin: () => true,
  });
  assert.deepEqual(takeDue(), ["a@20", "a@30", "c@30"]);
  assert.equal(table.get("b")!.owner, NOBODY);
});

Deno.test("an owner's jobs are parked, and begin again where their checkpoints say", async () => {
  const { table, owners, placement, remember, load, run, clock } = setUp();
  const [one, two] = [owner(), owner()];
  owners.set("a", one).set("b", two);
  await load(tens("a", { catchUp: "all" }), tens("b"));
  assert.deepEqual(await run(25), ["a@10", "b@10", "a@20", "b@20"]);
  table.park(one);
  const { owner: parked, nextDue, last } = table.get("a")!;
  assert.deepEqual([parked === NOBODY, nextDue, last], [true, Infinity, -Infinity]);
  clock.jump(-5000);
  table.followClock(-5000);
  assert.deepEqual(await run(25), ["b@30", "b@40"]);
  // What it fired after 10 s was lost with the lease.
  remember("a", { last: 10 });
  await table.adopt(one, {
    recall: placement.recall,
    isMeant: (job) => job.owner === NOBODY,
    mayBegin: () => true,
  });
  assert.deepEqual(await run(0), ["a@20", "a@30", "a@40"]);
});

Deno.test("what is due at one instant comes in file order, also after a reload", async () => {
  const { table, load, run } = setUp();
  await load(tens("b"), tens("a"), tens("d"), cronEntry("c", "*/5 * * * * *"));
  assert.deepEqual(table.dueNext.map(({ name }) => name), ["c"]);
  assert.deepEqual(await run(10), ["c@5", "b@10", "a@10", "d@10", "c@10"]);
  await load(others("d"), tens("a"), tens("e"), tens("b"));
  assert.deepEqual(table.dueNext.map(({ name }) => name).sort(), ["a", "b", "d", "e"]);
  assert.deepEqual(await run(10), ["d@20", "a@20", "e@20", "b@20"]);
});

Deno.test("one bad entry stops no other, and is logged", async () => {
  const { load, run, takeDue, clock, log } = setUp();
  const bad = tens("bad");
  let calls = 0;
  const next = () => {
    if (++calls > 1) throw new Error("It broke");
    return new Date(START + 10_000);
  };
  const timing = { ...bad.timing, cadence: () => ({ next }) };
  await load(tens("a"), { ...bad, timing }, tens("b"));
  assert.deepEqual(await run(20), ["a@10", "b@10", "a@20", "b@20"]);
  assert.deepEqual(log.of("scheduler.dispatch_error").map(({ fields }) => fields), [
    { schedule: "bad", error: "It broke" },
  ]);
  await clock.advance(10_000);
  const failing = (job: Job) => {
    if (job.name === "a") throw new Error("So did this");
  };
  assert.deepEqual(takeDue(failing), ["a@30", "b@30"]);
  assert.deepEqual(await run(10), ["a@40", "b@40"], "it is still in the queue");
});

Deno.test("what was missed is told once, with the policy in effect, unless the entry is paused", async () => {
  const told: unknown[] = [];
  const { remember, load, log } = setUp({
    hasReplicas: true,
    isPaused: (name) => name === "paused",
    onMissed: ({ name }, missed, catchUp) => told.push([name, missed.count, catchUp]),
  });
  for (const name of ["unset", "none", "all", "off", "paused"]) remember(name, { last: -30 });
  await load(
    tens("unset", { catchUp: null }),
    tens("none", { catchUp: "none" }),
    tens("all", { catchUp: "all" }),
    tens("off", { enabled: false }),
    tens("paused", { catchUp: "none" }),
  );
  assert.deepEqual(told, [["unset", 2, "one"], ["none", 3, "none"]]);
  assert.deepEqual(
    log.of("scheduler.catching_up").map(({ fields }) => [fields.schedule, fields.catch_up]),
    [["unset", "one"], ["all", "all"]],
  );
  await load(tens("unset", { catchUp: null, expandTimeoutSeconds: 5 }), tens("none"));
  assert.equal(told.length, 2);
});

Deno.test("of a long backlog the last thousand fire, and the rest is named once", async () => {
  const { remember, load, takeDue, log } = setUp();
  remember("a", { last: -5000 });
  await load(cronEntry("a", "* * * * * *", { catchUp: "all" }));
  const dues = takeDue();
  assert.deepEqual([dues.length, dues[0], dues.at(-1)], [1000, "a@-999", "a@0"]);
  assert.deepEqual(log.of("scheduler.fire_skipped").map(({ fields }) => fields), [{
    schedule: "a",
    scheduled_for: new Date(START - 4_999_000).toISOString(),
    until: new Date(START - 999_000).toISOString(),
    reason: "catch_up_limit",
    limit: 1000,
  }]);
});

Deno.test("an entry that is not due any more says so once", async () => {
  const { load, run, log } = setUp();
  const endAt = new Date(START + 10_000);
  await load(tens("a", { endAt }));
  assert.deepEqual(await run(60), ["a@10"]);
  await load(tens("a", { endAt }));
  const lines = log.of("scheduler.schedule_exhausted").map(({ fields }) => fields.last_fire);
  assert.deepEqual(lines, ["2026-01-01T00:00:10.000Z"]);
});
