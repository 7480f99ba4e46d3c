/**
 * Runs a configuration over any span of simulated time: the timer loop and the dispatcher are those
 * of the real scheduler, the clock is a manual one and the bus is in memory.
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

/** A time in which the process does not run: a sleeping laptop, a SIGSTOP, a blocked host. */
export interface Stall {
  /** The instant at which it begins. */
  readonly start: Date;
  /** The duration, in milliseconds. */
  readonly duration: number;
}

/** The span that is simulated, and the stalls in it. */
export interface SimulationOptions {
  /** The instant at which the scheduler starts; an occurrence at this instant has passed. */
  from: Date;
  /** The last instant that is simulated. */
  to: Date;
  /** Default: none. */
  stalls?: readonly Stall[];
}

/** An occurrence that became due. */
export interface SimulatedFiring {
  /** The entry's name. */
  readonly entry: string;
  /** The instant at which it was dispatched or skipped. */
  readonly at: Date;
  /** The due instant, without jitter, in ISO 8601. */
  readonly scheduledFor: string;
  /** The lateness after the due instant and its jitter, in milliseconds. */
  readonly lateness: number;
  /** The first of the passed occurrences that this one replaces, in ISO 8601; else null. */
  readonly passedOverSince: string | null;
  /** The reason why it was not dispatched, such as `"misfire"`; null where it was dispatched. */
  readonly skipped: string | null;
}

/** The counts of one entry over the whole span. */
export interface EntrySummary {
  /** The entry's name. */
  readonly entry: string;
  /** The number of dispatched occurrences. */
  firings: number;
  /** The number of these that were late. */
  late: number;
  /** The number of skipped occurrences: those later than `misfire_grace_seconds`. */
  misfires: number;
}

/** The counts of all entries over the whole span. */
export interface SimulationSummary {
  /** Every entry, in file order. */
  readonly entries: readonly EntrySummary[];
  /** The sum over all entries. */
  readonly total: Omit<EntrySummary, "entry">;
  /** The busiest second, minute and hour of the clock in UTC; null where nothing fired. */
  readonly busiest: Record<"second" | "minute" | "hour", BusySpan | null>;
}

/** The simulated time between two batches of firings. */
const MAX_STEP_MS = 600_000;

/**
 * A deterministic simulation of a configuration. Expansion functions are not called: a firing of an
 * entry with one counts as one dispatch.
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
  /** The last firing of each entry. */
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

  /** The counts so far. */
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
   * Runs the simulation; may be called once. Each batch has the firings that became due since the
   * one before, in that order.
   *
   * @throws {Error} when the scheduler logs an error, since a dispatch could not be made
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
      expander: { expand: () => Promise.resolve({ count: 1, lists: [[{}]] }) },
      clock,
      logger,
      history,
    });
    const table = new JobTable({ clock, logger });
    const loop = new TimerLoop({
      clock,
      logger,
      table,
      // Nothing sets this clock, and a stall shows at the end of a sleep.
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
      await clock.advance(Math.min(Math.max(instant - clock.now(), 0), MAX_STEP_MS));
      if (this.#failure !== null) throw this.#failure;
      if (this.#firings.length === 0) continue;
      yield this.#firings;
      this.#firings = [];
    } while (clock.now() < instant);
  }

  /** Adds a firing when it becomes due, since firings can end in another order. */
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

const MAX_STALL_MS = 3_600_000;

/** Returns `count` stalls of up to an hour at instants of the span; the same ones for a `seed`. */
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
