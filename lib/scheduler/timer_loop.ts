/**
 * The loop that joins entries, timetable and clock: it sleeps until something is due, says so, and
 * never says the same occurrence twice.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Cadence } from "../time/cadence.ts";
import type { Clock } from "../time/clock.ts";
import { entryCadence, latestUpTo, sameTiming } from "./entry_cadence.ts";
import { jitter } from "./jitter.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { Slice } from "./slice.ts";
import { Timetable } from "./timetable.ts";

/** One occurrence that is due. */
export interface Due {
  readonly entry: ScheduleEntry;
  /** The due instant: part of the dispatch's identity. */
  readonly scheduledFor: Date;
  /** When it was to be sent: `scheduledFor` plus its jitter, in milliseconds since the epoch. */
  readonly fireAt: number;
  /** The first of the occurrences that passed unfired and that this one stands for. */
  readonly passedOverSince?: Date;
}

/** One entry's place in time. */
interface Timeline {
  entry: ScheduleEntry;
  cadence: Cadence;
  // Instants in milliseconds since the epoch: a Date each would double an idle entry's memory.
  /** What an interval counts from. */
  anchor: number;
  /** The occurrence that comes next; Infinity when there is none. */
  next: number;
  /** When `next` is to be sent. */
  fireAt: number;
  /** The occurrence that was last due; -Infinity before the first. */
  last: number;
}

/** A clock that was set, or a machine that slept, is noticed within this many milliseconds. */
const LONGEST_SLEEP = 1000;

/** A wall clock that is off by more than this many milliseconds was set, not slewed. */
const CLOCK_JUMP = 250;

export interface TimerLoopOptions {
  clock: Clock;
  logger: Logger;
  /** Called for each due occurrence, in due order, then file order. */
  onDue(due: Due): void;
}

export class TimerLoop {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onDue: (due: Due) => void;
  #timelines: Timeline[] = [];
  #timetable = new Timetable();
  /** Wall clock less monotonic clock; it changes when the wall clock is set. */
  #clockOffset: number;
  #wake = () => {};

  constructor({ clock, logger, onDue }: TimerLoopOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#onDue = onDue;
    this.#clockOffset = clock.now() - clock.monotonic();
  }

  /** The entries, with when each is due next. */
  get entries(): ScheduleEntry[] {
    return this.#timelines.map(({ entry, next }) => ({
      ...entry,
      nextFire: next === Infinity ? null : new Date(next),
    }));
  }

  /** When something is due next, or null. */
  get nextFire(): Date | null {
    const next = this.#timetable.nextDue;
    return next === Infinity ? null : new Date(next);
  }

  get size(): number {
    return this.#timelines.length;
  }

  /**
   * Replaces the entries. An entry whose name and timing did not change keeps its phase; a new one
   * starts now. Made ready in slices while the old entries go on, then swapped at once.
   */
  async load(entries: readonly ScheduleEntry[]): Promise<void> {
    const slice = new Slice(this.#clock);
    const before = new Map<string, Timeline>();
    for (const timeline of this.#timelines) {
      before.set(timeline.entry.name, timeline);
      if (slice.isOver) await slice.pause();
    }
    const timelines: Timeline[] = [];
    for (const entry of entries) {
      const old = before.get(entry.name);
      const isKept = old !== undefined && sameTiming(old.entry, entry);
      timelines.push(isKept ? old : this.#begin(entry, old));
      if (slice.isOver) await slice.pause();
    }
    // From here on nothing waits: a kept timeline may have moved on until now.
    entries.forEach((entry, place) => timelines[place]!.entry = entry);
    this.#timelines = timelines;
    this.#fillTimetable();
    this.#wake();
  }

  /** Serves what is due until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#watchClock();
      await this.#serveDue(signal);
      const sleep = this.#timetable.nextDue - this.#clock.now();
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      signal.addEventListener("abort", this.#wake, { once: true });
      await this.#clock.sleep(Math.min(Math.max(sleep, 0), LONGEST_SLEEP), wake.signal);
      signal.removeEventListener("abort", this.#wake);
    }
  }

  #begin(entry: ScheduleEntry, old?: Timeline): Timeline {
    const now = this.#clock.now();
    const cadence = entryCadence(entry, new Date(now));
    const last = old?.last ?? -Infinity;
    // After the clock was set back, what already fired under this name lies in the future.
    const next = entry.enabled ? cadence.next(new Date(Math.max(now, last))) : null;
    const timeline: Timeline = {
      entry,
      cadence,
      anchor: now,
      next: next?.getTime() ?? Infinity,
      fireAt: Infinity,
      last,
    };
    this.#setFireAt(timeline);
    if (entry.runOnStart && old === undefined && entry.enabled && isWithin(entry, now)) {
      timeline.next = now;
      timeline.fireAt = now;
    }
    if (timeline.next === Infinity && entry.enabled) this.#logExhausted(timeline);
    return timeline;
  }

  #fillTimetable(): void {
    this.#timetable = new Timetable(this.#timelines.map(({ fireAt }) => fireAt));
  }

  /** Serves what is due by now, pausing so that signals, the bus and requests are served too. */
  async #serveDue(signal: AbortSignal): Promise<void> {
    const slice = new Slice(this.#clock);
    const now = this.#clock.now();
    for (let place; (place = this.#timetable.takeDue(now)) !== null;) {
      this.#serve(place, now);
      if (slice.isOver) {
        await slice.pause();
        if (signal.aborted) return;
      }
    }
  }

  #serve(place: number, now: number): void {
    const timeline = this.#timelines[place]!;
    try {
      const due = this.#advance(timeline, now);
      if (timeline.next !== Infinity) this.#timetable.add(place, timeline.fireAt);
      else this.#logExhausted(timeline);
      this.#onDue(due);
    } catch (error) {
      // One bad entry never stops another; this one is out of the timetable or already back in.
      this.#logger.error("scheduler.dispatch_error", {
        schedule: timeline.entry.name,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** Takes the occurrence that is due and moves the timeline on to the next one. */
  #advance(timeline: Timeline, now: number): Due {
    const { entry, cadence, fireAt } = timeline;
    const first = new Date(timeline.next);
    let scheduledFor = first;
    let next = cadence.next(first);
    if (next !== null && next.getTime() <= now) {
      scheduledFor = latestUpTo(cadence, next, new Date(now));
      next = cadence.next(scheduledFor);
    }
    timeline.last = scheduledFor.getTime();
    timeline.next = next?.getTime() ?? Infinity;
    this.#setFireAt(timeline);
    return scheduledFor === first
      ? { entry, scheduledFor, fireAt }
      : { entry, scheduledFor, fireAt: scheduledFor.getTime(), passedOverSince: first };
  }

  #setFireAt(timeline: Timeline): void {
    const { entry, cadence, next } = timeline;
    timeline.fireAt = next;
    if (entry.jitterSeconds === 0 || next === Infinity) return;
    const occurrence = new Date(next);
    const following = cadence.next(occurrence)?.getTime() ?? Infinity;
    const limit = Math.min(entry.jitterSeconds * 1000, following - next);
    timeline.fireAt += jitter(entry.name, occurrence, limit);
  }

  #watchClock(): void {
    const offset = this.#clock.now() - this.#clock.monotonic();
    const jump = offset - this.#clockOffset;
    this.#clockOffset = offset;
    if (Math.abs(jump) < CLOCK_JUMP) return;
    this.#logger.warning("scheduler.clock_jumped", { jump_ms: Math.round(jump) });
    if (jump < 0) this.#moveIntervals(Math.round(jump));
  }

  /**
   * A clock set back must not stop the intervals until it has caught up: they go on at their
   * spacing, counted from an anchor that moved with the clock.
   */
  #moveIntervals(jump: number): void {
    for (const timeline of this.#timelines) {
      const { entry, next } = timeline;
      if (entry.intervalSeconds === null || next === Infinity) continue;
      // On the old grid the coming instants would be those that fired already, by name.
      const sameGrid = jump % (entry.intervalSeconds * 1000) === 0;
      const shift = sameGrid ? jump + 1 : jump;
      timeline.anchor += shift;
      timeline.cadence = entryCadence(entry, new Date(timeline.anchor));
      timeline.next = timeline.cadence.next(new Date(next + shift - 1))?.getTime() ?? Infinity;
      this.#setFireAt(timeline);
    }
    this.#fillTimetable();
  }

  #logExhausted({ entry, last }: Timeline): void {
    this.#logger.warning("scheduler.schedule_exhausted", {
      schedule: entry.name,
      cron: entry.cron,
      interval_seconds: entry.intervalSeconds,
      last_fire: last === -Infinity ? null : new Date(last).toISOString(),
    });
  }
}

function isWithin({ startAt, endAt }: ScheduleEntry, now: number): boolean {
  return (startAt === null || startAt.getTime() <= now) &&
    (endAt === null || now <= endAt.getTime());
}
