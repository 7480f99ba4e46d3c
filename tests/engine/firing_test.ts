/** One firing, and whatever may happen to the firings of a job: on a bus and a lease of the test's. */
import { fc } from "../deps.ts";
import assert from "node:assert/strict";
import { BusClosedError, NotPermittedError, UnconfirmedError } from "../../lib/bus/message_bus.ts";
import type { DeliverOptions } from "../../lib/durable/delivery.ts";
import { NOBODY, type Owner, type OwnerState } from "../../lib/durable/owner.ts";
import { Dispatcher } from "../../lib/engine/dispatcher.ts";
import { Firing, isFinal, ShutdownError, WithdrawnError } from "../../lib/engine/firing.ts";
import { type FiringRecord, History } from "../../lib/engine/history.ts";
import type { Job } from "../../lib/engine/job.ts";
import { ManualClock, settle } from "../../lib/time/manual_clock.ts";
import { cronEntry } from "../helpers/entries.ts";
import { checkpointThat, dueAt, jobMaker } from "../helpers/jobs.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { expandedOf } from "../helpers/expanded.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const OPTIONS = { id: "id", lateness: 0, span: null };
const entry = cronEntry("a", "* * * * * *");

Deno.test("a firing ends once, and keeps how it did", () => {
  const firing = new Firing(jobMaker()(entry), dueAt(START), OPTIONS);
  assert.deepEqual([firing.state, firing.outcome], ["unsent", null]);
  firing.reached("unacknowledged");
  assert.equal(firing.state, "unacknowledged");
  assert.equal(firing.end("superseded"), true);
  assert.equal(firing.end("dispatched"), false);
  firing.reached("partly_sent");
  assert.deepEqual([firing.state, firing.outcome], ["over", "superseded"]);
});

Deno.test("a firing that is taken back in silence has no outcome, also when it was sent after all", () => {
  const firing = new Firing(jobMaker()(entry), dueAt(START), OPTIONS);
  assert.equal(firing.end(null), true);
  assert.equal(firing.end("dispatched"), false);
  assert.deepEqual([firing.state, firing.outcome], ["over", null]);
});

Deno.test("a firing keeps the entry, the owner and the term that it began with", () => {
  const owner = { state: "held" as const, term: 3, permit: () => () => true };
  const job = jobMaker((each) => each.owner = owner)(entry);
  const firing = new Firing(job, dueAt(START), OPTIONS);
  const manual = new Firing(job, dueAt(START), { ...OPTIONS, isManual: true });
  job.entry = cronEntry("a", "0 * * * * *");
  job.owner = NOBODY;
  owner.term = 4;
  assert.equal(firing.entry, entry);
  assert.equal(firing.owner, owner);
  assert.equal(firing.term, 3);
  assert.equal(manual.term, null, "what a person fires belongs to no term");
});

Deno.test("what failed is over, unless another start or holder is to fire it", () => {
  const open = [
    new WithdrawnError(),
    new ShutdownError(),
    new BusClosedError("closed"),
    new NotPermittedError("lapsed"),
  ];
  assert.deepEqual(open.map(isFinal), [false, false, false, false]);
  const over = [new UnconfirmedError("in doubt"), new RangeError("too large"), "a text", null];
  assert.deepEqual(over.map(isFinal), [true, true, true, true]);
});

/** What may happen. A number says to which job, or to which of the messages under way. */
type Step =
  | { do: "due" | "late" | "spread" | "due_on_return"; job: number }
  | { do: "stored" | "refused" | "unsure"; message: number }
  | { do: "pause" | "resume" | "remove"; job: number }
  | { do: "cut" | "restore" | "lapse" | "continue" | "lose" | "release" | "pass" };

const JOBS = [
  cronEntry("newest", "* * * * * *", { catchUp: "one" }),
  cronEntry("each", "* * * * * *", { catchUp: "all", misfireGraceSeconds: 20 }),
  cronEntry("fanned", "* * * * * *", { expandFrom: "m.f", misfireGraceSeconds: 20 }),
  cronEntry("fanned-each", "* * * * * *", { catchUp: "all", expandFrom: "m.f" }),
];

const job = fc.nat({ max: JOBS.length - 1 });
const message = fc.nat({ max: 5 });
/** What leaves nothing to the next start or to another holder. */
const calmStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom("due" as const), job }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("late" as const, "spread", "due_on_return"), job }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("stored" as const), message }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("refused" as const), message }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("pause" as const, "resume"), job }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("cut" as const, "restore", "restore", "pass") }),
  },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: calmStep },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("lapse" as const, "continue", "continue", "lose", "release"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("remove" as const), job }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("unsure" as const), message }) },
);

interface Message {
  entry: string;
  scheduledFor: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** A dispatcher with all that it works with, and what it has promised. */
class World {
  readonly clock = new ManualClock(START);
  readonly bus = new SwitchableBus();
  readonly log = new LogRecorder();
  readonly paused = new Set<string>();
  readonly records: FiringRecord[] = [];
  /** Those that have been neither stored nor given up. */
  readonly underWay: Message[] = [];
  /** Each occurrence that was due and ours, and has not been given up in silence. */
  readonly expected = new Set<string>();
  /** What was broken: an assertion would be thrown into the dispatcher. */
  readonly #broken: string[] = [];
  /** What was found due, of all jobs. */
  second = 0;
  readonly #lease = { state: "held" as OwnerState, term: 1 };
  readonly #sent = new Set<string>();
  /** What started last, of each job. */
  readonly #started = new Map<string, { scheduledFor: number; term: number }>();
  readonly #noted = new Map<string, number>();
  readonly dispatcher: Dispatcher;
  readonly #jobs: Job[];
  #owner: Owner;

  constructor(readonly isAcknowledged: boolean) {
    const history = new History();
    history.listen((record) => void this.records.push(record));
    const info = this.log.info;
    this.log.info = (event, fields = {}) => {
      if (event === "scheduler.firing") this.#starts(fields);
      info(event, fields);
    };
    this.dispatcher = new Dispatcher({
      scheduler: "model",
      bus: this.bus,
      expander: { expand: () => Promise.resolve(expandedOf([{ n: 0 }, { n: 1 }, { n: 2 }])) },
      clock: this.clock,
      logger: this.log,
      history,
      isPaused: (name) => this.paused.has(name),
      delivery: {
        isAcknowledged: () => isAcknowledged,
        publish: (_subject, _data, options) => this.#publish(options),
      },
    });
    this.#owner = this.#newOwner();
    const jobOf = jobMaker((made) => {
      made.checkpoint = checkpointThat((scheduledFor) => this.#note(made, scheduledFor));
    });
    this.#jobs = JOBS.map(jobOf);
    this.#own(this.#owner);
  }

  async take(step: Step): Promise<void> {
    await this.#take(step);
    await settle();
    assert.deepEqual(this.#broken, []);
    for (const { entry, scheduledFor } of this.underWay) {
      const running = this.#jobs.find(({ name }) => name === entry)!.running;
      assert.equal(running?.due.scheduledFor, scheduledFor, `${entry} was taken back`);
    }
    for (const { name, running } of this.#jobs) {
      const isOpen = this.#lease.state === "held" && this.bus.connected;
      if (running === null || !isOpen) continue;
      assert.equal(running.term, this.#lease.term, `${name} runs in a term that is over`);
    }
  }

  async #take(step: Step): Promise<void> {
    const { clock, bus, dispatcher, paused } = this;
    switch (step.do) {
      case "due":
      case "late":
      case "spread":
        return this.#due(this.#jobs[step.job]!, step.do);
      case "due_on_return":
        bus.restore();
        return this.#due(this.#jobs[step.job]!, "due");
      case "stored":
        return this.#answer(step.message, ({ resolve }) => resolve());
      case "refused":
        return this.#answer(step.message, ({ reject }) => reject(new RangeError("Too large")));
      case "unsure":
        return this.#answer(step.message, ({ reject }) => reject(new BusClosedError("Closed")));
      case "pause":
        paused.add(JOBS[step.job]!.name);
        return dispatcher.pauseChanged();
      case "resume":
        paused.delete(JOBS[step.job]!.name);
        return dispatcher.pauseChanged();
      case "remove":
        return dispatcher.removed([this.#jobs[step.job]!]);
      case "cut":
        return bus.cut();
      case "restore":
        return bus.restore();
      case "lapse":
        this.#lease.state = "lapsed";
        return;
      case "continue":
        if (this.#lease.state === "held") return;
        this.#lease.state = "held";
        this.#lease.term++;
        return dispatcher.opened();
      case "lose":
        dispatcher.lost(this.#owner);
        this.#forgetAll();
        return this.#takeAgain();
      case "release": {
        const waiting = this.#jobs.map((each) => each.activity?.waiting?.oldest ?? Infinity);
        assert.equal(dispatcher.releasing(this.#owner), Math.min(...waiting));
        this.#own(NOBODY);
        const owner = this.#owner;
        const before = this.records.length;
        const drained = dispatcher.drain(1000, (firing) => firing.owner === owner);
        const storedMeanwhile = Math.floor(this.underWay.length / 2);
        for (let count = 0; count < storedMeanwhile; count++) {
          this.#answer(0, ({ resolve }) => resolve());
        }
        await clock.advance(1200);
        const givenUp = this.records.slice(before).filter(({ outcome }) => outcome === "shutdown");
        assert.equal(await drained, Math.min(...givenUp.map((each) => each.scheduledFor)));
        this.#forgetAll();
        return this.#takeAgain();
      }
      case "pass":
        return clock.advance(15_000);
    }
  }

  #promise(isKept: boolean, what: string): void {
    if (!isKept) this.#broken.push(what);
  }

  /** Everything is possible again: whatever was due has its end. */
  async end(): Promise<void> {
    this.paused.clear();
    this.dispatcher.pauseChanged();
    await this.take({ do: "continue" });
    await this.take({ do: "restore" });
    await settle();
    for (let left = 10_000; this.underWay.length > 0; left--) {
      assert.ok(left > 0, "it ends");
      this.#answer(0, ({ resolve }) => resolve());
      await settle();
    }
    for (const each of this.#jobs) {
      assert.equal(each.activity, null, `${each.name} is idle`);
    }
    const ended = this.records.map(({ entry, scheduledFor }) => `${entry}@${scheduledFor}`);
    assert.equal(new Set(ended).size, ended.length, "none has two ends");
    const missing = [...this.expected].filter((key) => !ended.includes(key));
    assert.deepEqual(missing, [], "each has one");
    assert.deepEqual(this.#broken, []);
  }

  /** The occurrence up to which each job's checkpoint says that everything has been dealt with. */
  get noted(): (number | undefined)[] {
    return this.#jobs.map(({ name }) => this.#noted.get(name));
  }

  /** The last occurrence of each job that was due. */
  get lastDue(): (number | undefined)[] {
    return this.#jobs.map(({ name }) =>
      this.records.filter(({ entry }) => entry === name).map(({ scheduledFor }) => scheduledFor)
        .reduce<number | undefined>((a, b) => Math.max(a ?? -Infinity, b), undefined)
    );
  }

  /** The jobs are somebody else's; what runs may finish. */
  handOver(): void {
    this.#own(NOBODY);
  }

  #due(job: Job, how: "due" | "late" | "spread"): void {
    const scheduledFor = START + ++this.second * 1000;
    const now = this.clock.now();
    const fireAt = how === "due" ? now : now - 21_000;
    if (job.owner.state !== "not_held") this.expected.add(`${job.name}@${scheduledFor}`);
    this.dispatcher.due(job, dueAt(scheduledFor, { fireAt, isSpread: how === "spread" }));
  }

  #publish(options: DeliverOptions): Promise<void> {
    const { signal, permit, headers = {} } = options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const key = `${headers["Nats-Msg-Id"]} in term ${headers["Heddle-Term"]}`;
    const scheduledFor = Date.parse(headers["Heddle-Scheduled-For"]!);
    const done = () => {
      const place = this.underWay.indexOf(sent);
      if (place !== -1) this.underWay.splice(place, 1);
    };
    const sent: Message = {
      entry: headers["Heddle-Schedule"]!,
      scheduledFor,
      resolve: () => {
        done();
        if (permit?.() === false) return reject(new NotPermittedError("The lease lapsed"));
        this.#promise(!this.#sent.has(key), `${key} was sent twice`);
        this.#sent.add(key);
        resolve();
      },
      reject: (error) => {
        done();
        reject(error);
      },
    };
    this.underWay.push(sent);
    signal?.addEventListener("abort", () => sent.reject(signal.reason));
    if (signal?.aborted) sent.reject(signal.reason);
    return promise;
  }

  #answer(message: number, answer: (message: Message) => void): void {
    const found = this.underWay[message % Math.max(1, this.underWay.length)];
    if (found !== undefined && this.bus.connected) answer(found);
  }

  #starts(fields: Record<string, unknown>): void {
    const name = String(fields.schedule);
    const scheduledFor = Date.parse(String(fields.scheduled_for));
    const { term } = this.#lease;
    const before = this.#started.get(name);
    const isAgain = before?.scheduledFor === scheduledFor;
    this.#promise(this.bus.connected, `${name} started without a connection`);
    this.#promise(this.#lease.state === "held", `${name} started without its lease`);
    this.#promise(!this.paused.has(name) || isAgain, `${name} started while paused`);
    this.#promise(before === undefined || before.scheduledFor <= scheduledFor, `${name} went back`);
    this.#promise(!isAgain || before.term !== term, `${name} started twice in a term`);
    this.#started.set(name, { scheduledFor, term });
  }

  #note({ name, activity }: Job, scheduledFor: number): void {
    const { running = null, waiting = null } = activity ?? {};
    const oldest = Math.min(running?.due.scheduledFor ?? Infinity, waiting?.oldest ?? Infinity);
    this.#promise(scheduledFor < oldest, `the checkpoint of ${name} passed what runs or waits`);
    this.#promise(scheduledFor > (this.#noted.get(name) ?? -Infinity), `${name} went back`);
    this.#noted.set(name, scheduledFor);
  }

  /** The lease went: what was not dealt with by then is somebody else's. */
  #forgetAll(): void {
    for (const each of this.#jobs) assert.equal(each.activity, null);
    const ended = new Set(this.records.map((each) => `${each.entry}@${each.scheduledFor}`));
    for (const key of this.expected) if (!ended.has(key)) this.expected.delete(key);
  }

  #takeAgain(): void {
    this.#lease.state = "held";
    this.#lease.term++;
    this.#own(this.#owner = this.#newOwner());
  }

  #newOwner(): Owner {
    const lease = this.#lease;
    return {
      get state() {
        return lease.state;
      },
      get term() {
        return lease.term;
      },
      permit: () => {
        const { term } = lease;
        return () => lease.term === term && lease.state === "held";
      },
    };
  }

  #own(owner: Owner): void {
    for (const each of this.#jobs) each.owner = owner;
  }
}

for (const isAcknowledged of [false, true]) {
  const over = isAcknowledged ? "into a stream" : "over core NATS";
  Deno.test(`whatever happens to firings ${over}, none is lost, doubled or out of order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const world = new World(isAcknowledged);
        for (const each of steps) await world.take(each);
        await world.end();
      }),
      { numRuns: 200 },
    );
  });

  Deno.test(`whatever is sent ${over} and skipped, the checkpoint says it once that is over`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(calmStep, { maxLength: 40, size: "max" }), async (steps) => {
        const world = new World(isAcknowledged);
        for (const each of steps) await world.take(each);
        await world.end();
        assert.deepEqual(world.noted, world.lastDue);
      }),
      { numRuns: 120 },
    );
  });
}

Deno.test("what runs is taken back when its lease is lost while it is handed over", async () => {
  const world = new World(true);
  await world.take({ do: "due", job: 0 });
  world.handOver();
  await world.take({ do: "lose" });
  assert.deepEqual([world.underWay, world.records], [[], []]);
});

Deno.test("what loses its term without a connection waits before all others", async () => {
  const world = new World(true);
  await world.take({ do: "due", job: 1 });
  await world.take({ do: "lapse" });
  for (let count = 0; count < 2; count++) await world.take({ do: "due", job: 1 });
  await world.take({ do: "cut" });
  await world.take({ do: "continue" });
  assert.deepEqual(world.underWay, []);
  await world.take({ do: "restore" });
  assert.deepEqual(world.underWay.map(({ scheduledFor }) => scheduledFor), [START + 1000]);
  await world.end();
  const seconds = world.records.map(({ scheduledFor }) => (scheduledFor - START) / 1000);
  assert.deepEqual(seconds, [1, 2, 3]);
});

Deno.test("what was delayed, then has to wait, is judged by its grace from then on", async () => {
  const outcomes = async (passes: number) => {
    const world = new World(true);
    await world.take({ do: "pause", job: 1 });
    await world.take({ do: "spread", job: 1 });
    for (let count = 0; count < passes; count++) await world.take({ do: "pass" });
    await world.end();
    return world.records.map(({ outcome }) => outcome);
  };
  assert.deepEqual(await outcomes(1), ["dispatched"], "15 s");
  assert.deepEqual(await outcomes(2), ["misfire"], "30 s");
});

Deno.test("a thousand that waited and are too late are skipped in one turn", async () => {
  const world = new World(true);
  world.bus.cut();
  for (let count = 0; count < 1000; count++) await world.take({ do: "due", job: 1 });
  await world.take({ do: "pass" });
  await world.take({ do: "pass" });
  await world.end();
  assert.equal(world.records.filter(({ outcome }) => outcome === "misfire").length, 1000);
});
