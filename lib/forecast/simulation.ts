/**
 * What a configuration does over any span of time, found out by running it: the timer loop and the
 * dispatcher are those of the real scheduler, the clock is a manual one and the bus is in memory.
 *
 * @module
 */
import { MemoryBus } from "../bus/memory_bus.ts";
import type { Logger } from "../log/logger.ts";
import { ManualClock } from "../time/manual_clock.ts";
import { Busiest, type BusySpan } from "./busiest.ts";
import { Dispatcher } from "../engine/dispatcher.ts";
import { type FiringRecord, History } from "../engine/history.ts";
import { ALONE, JobTable } from "../engine/job_table.ts";
import { jitter } from "../schedule/jitter.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import { TimerLoop } from "../engine/timer_loop.ts";

/** A time in which the process stands still: a laptop that sleeps, a SIGSTOP, a blocked host. */
export interface Stall {
  /** When it begins to stand still. */
  readonly start: Date;
  /** Milliseconds. */
  readonly duration: number;
}

/** The span that is simulated, and what happens in it. */
export interface SimulationOptions {
  /** When the scheduler starts; what is due at this very instant has passed. */
  from: Date;
  /** The last instant that is simulated. */
  to: Date;
  /** Default: none. */
  stalls?: readonly Stall[];
}

/** One occurrence that became due. */
export interface SimulatedFiring {
  /** The entry's name. */
  readonly entry: string;
  /** When it was dispatched or skipped. */
  readonly at: Date;
  /** The due instant, without jitter; ISO 8601. */
  readonly scheduledFor: string;
  /** Milliseconds after the due instant and its jitter. */
  readonly lateness: number;
  /** The first of the missed occurrences that this one is fired for; ISO 8601. */
  readonly passedOverSince: string | null;
  /** Why it was not dispatched, such as `"misfire"`; null when it was. */
  readonly skipped: string | null;
}

/** What one entry did over the whole span. */
export interface EntrySummary {
  /** The entry's name. */
  readonly entry: string;
  /** How many occurrences were dispatched. */
  firings: number;
  /** How many of them were late. */
  late: number;
  /** How many more were skipped: later than `misfire_grace_seconds`. */
  misfires: number;
}

/** What all entries did over the whole span. */
export interface SimulationSummary {
  /** Every entry, in the order of the file. */
  readonly entries: readonly EntrySummary[];
  /** The sum over all entries. */
  readonly total: Omit<EntrySummary, "entry">;
  /** By the clock in UTC; null when nothing fired. */
  readonly busiest: Record<"second" | "minute" | "hour", BusySpan | null>;
}

/** How much time passes between two of a simulation's answers, in milliseconds. */
const STEP = 600_000;

/**
 * A simulation of `config`, the same each time. An expansion function is not called: a firing of
 * its entry counts as one dispatch.
 *
 * @example
 * ```ts
 * import { parseSchedulerConfig } from "@heddle/scheduler/config";
 *
 * const { config } = parseSchedulerConfig(`
 * name: app
 * schedules:
 *   - { name: daily, cron: "@daily", dispatch_type: task, task: { worker_type: w } }
 * `);
 * const span = { from: new Date("2026-01-01T12:00:00Z"), to: new Date("2026-02-01T12:00:00Z") };
 * const simulation = new Simulation(config!, span);
 * for await (const firings of simulation.run()) console.log(firings.map(({ at }) => at));
 * if (simulation.summary.total.firings !== 31) throw new Error("January has 31 midnights");
 * ```
 */
export class Simulation {
  readonly #config: SchedulerConfig;
  readonly #options: SimulationOptions;
  readonly #clock: ManualClock;
  readonly #entries: Map<string, EntrySummary>;
  readonly #busiest = {
    second: new Busiest(1000),
    minute: new Busiest(60_000),
    hour: new Busiest(3_600_000),
  };
  #firings: SimulatedFiring[] = [];
  /** The last of each entry. */
  readonly #begun = new Map<string, SimulatedFiring>();
  #failure: Error | null = null;

  /** Prepares a simulation; {@link Simulation.run} runs it. */
  constructor(config: SchedulerConfig, options: SimulationOptions) {
    this.#config = config;
    this.#options = options;
    this.#clock = new ManualClock(options.from.getTime());
    this.#entries = new Map(
      config.entries.map(({ name }) => [name, { entry: name, firings: 0, late: 0, misfires: 0 }]),
    );
  }

  /** What fired so far. */
  get summary(): SimulationSummary {
    const entries = [...this.#entries.values()];
    const total = { firings: 0, late: 0, misfires: 0 };
    for (const { firings, late, misfires } of entries) {
      total.firings += firings;
      total.late += late;
      total.misfires += misfires;
    }
    const { second, minute, hour } = this.#busiest;
    return {
      entries,
      total,
      busiest: { second: second.most, minute: minute.most, hour: hour.most },
    };
  }

  /**
   * Runs the simulation, once. Each answer holds what became due since the one before, in the order
   * in which it did.
   *
   * @throws {Error} when the scheduler logs an error: a dispatch could not be made
   */
  async *run(): AsyncGenerator<SimulatedFiring[]> {
    const clock = this.#clock;
    const logger: Logger = {
      debug: () => {},
      info: () => {},
      warning: () => {},
      error: (event, fields) => this.#failure ??= new Error(`${event} ${JSON.stringify(fields)}`),
    };
    const history = new History();
    history.listen((record) => this.#note(record));
    const dispatcher = new Dispatcher({
      scheduler: this.#config.name,
      bus: new MemoryBus({ clock, logger }),
      expander: { expand: () => Promise.resolve([{}]) },
      clock,
      logger,
      history,
    });
    const table = new JobTable({ clock, logger });
    const loop = new TimerLoop({
      clock,
      logger,
      table,
      // Nothing sets this clock, and a process that stands still is told from its sleep's end.
      maxSleepMs: Infinity,
      onDue: (job, due) => {
        this.#begin(job.name);
        dispatcher.due(job, due);
      },
    });
    table.swap(await table.prepare(this.#config.entries, ALONE), ALONE);
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    try {
      yield* this.#passTime();
    } finally {
      stop.abort();
      await running;
    }
  }

  async *#passTime(): AsyncGenerator<SimulatedFiring[]> {
    const clock = this.#clock;
    const end = this.#options.to.getTime();
    const stalls = [...this.#options.stalls ?? []]
      .sort((a, b) => a.start.getTime() - b.start.getTime());
    for (const { start, duration } of stalls) {
      yield* this.#advanceTo(Math.min(start.getTime(), end));
      const stalledUntil = Math.min(start.getTime() + duration, end);
      clock.stop(Math.max(stalledUntil - clock.now(), 0));
    }
    yield* this.#advanceTo(end);
  }

  async *#advanceTo(instant: number): AsyncGenerator<SimulatedFiring[]> {
    const clock = this.#clock;
    do {
      await clock.advance(Math.min(Math.max(instant - clock.now(), 0), STEP));
      if (this.#failure !== null) throw this.#failure;
      if (this.#firings.length === 0) continue;
      yield this.#firings;
      this.#firings = [];
    } while (clock.now() < instant);
  }

  /** Firings are told in the order in which they became due, whatever order they end in. */
  #begin(entry: string): void {
    const firing = {} as SimulatedFiring;
    this.#firings.push(firing);
    this.#begun.set(entry, firing);
  }

  #note({ entry, at, scheduledFor, lateness, passedOverSince, outcome }: FiringRecord): void {
    const isSkipped = outcome !== "dispatched" && outcome !== "empty" && outcome !== "failed";
    const ended: SimulatedFiring = {
      entry,
      at: new Date(at),
      scheduledFor: new Date(scheduledFor).toISOString(),
      lateness,
      passedOverSince: passedOverSince === null || isSkipped
        ? null
        : new Date(passedOverSince).toISOString(),
      skipped: isSkipped ? outcome : null,
    };
    Object.assign(this.#begun.get(entry)!, ended);
    const counts = this.#entries.get(entry)!;
    if (isSkipped) {
      counts.misfires++;
      return;
    }
    counts.firings++;
    if (lateness > 0) counts.late++;
    this.#busiest.second.add(at);
    this.#busiest.minute.add(at);
    this.#busiest.hour.add(at);
  }
}

/** The longest of {@link randomStalls}, in milliseconds. */
const MAX_STALL_MS = 3_600_000;

/** `count` stalls of up to an hour each at instants of the span; the same ones for a `seed`. */
export function randomStalls(
  count: number,
  { seed, from, to }: { seed: number; from: Date; to: Date },
): Stall[] {
  const span = to.getTime() - from.getTime();
  return Array.from({ length: count }, (_, index) => {
    const place = new Date(index);
    return {
      start: new Date(from.getTime() + jitter(`start ${seed}`, place, span)),
      duration: 1 + jitter(`duration ${seed}`, place, MAX_STALL_MS),
    };
  });
}
