/**
 * The loop that joins entries, timetable and clock: it sleeps until something is due, says so, and
 * never says the same occurrence twice.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { ClockWatch } from "./clock_watch.ts";
import { type ComingFiring, comingFirings } from "./coming_firings.ts";
import type { Identity } from "../wire/identity.ts";
import { entryCadence } from "../schedule/entry_cadence.ts";
import { sameTiming } from "../schedule/timing_text.ts";
import { firedAhead, type Stretch, without } from "../schedule/fired_ahead.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { Slice } from "../time/slice.ts";
import {
  advance,
  beginTimeline,
  CATCH_UP_LIMIT,
  type Due,
  limitCatchUp,
  type Remembered,
  setFireAt,
  type Timeline,
} from "../schedule/timeline.ts";
import { Timetable } from "./timetable.ts";

/** What is due next is named in this time before it is due, in milliseconds. */
const IDENTIFY_FROM = 1500;
const IDENTIFY_UNTIL = 20;

/** What is to be caught up is counted where the first is late by more, in milliseconds. */
const CATCH_UP_CHECK = 10_000;

export interface TimerLoopOptions {
  clock: Clock;
  logger: Logger;
  /**
   * A clock that was set, or a machine that slept, is noticed within this many milliseconds.
   * Default: 1000
   */
  longestSleep?: number;
  /** Whether several processes share the schedules. Default: false. */
  hasReplicas?: boolean;
  /** Called while there is time, for what is due next: names its dispatch. */
  identify?(entry: ScheduleEntry, scheduledFor: Date): Identity | null;
  /** Called for each due occurrence, in due order, then file order. */
  onDue(due: Due): void;
}

/**
 * A clock that was set, a machine or a process that stood still: each is noticed within a second and
 * logged `scheduler.clock_jumped` with `jump_ms`, how far the wall clock is from where it was
 * expected; `late_ms` is the part of it in which the machine ran and this process did not.
 */
export class TimerLoop {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #longestSleep: number;
  readonly #hasReplicas: boolean;
  readonly #identify: TimerLoopOptions["identify"];
  readonly #onDue: (due: Due) => void;
  readonly #clockWatch: ClockWatch;
  /** What the clock was set forward over, until it is set back. */
  #leap: Stretch | null = null;
  #timelines: Timeline[] = [];
  /** Made when somebody asks for one. */
  #byName: Map<string, Timeline> | null = null;
  #timetable = new Timetable();
  #wake = () => {};
  /** Whether occurrences that were missed are known, so that `catch_up: all` fires each. */
  #remembers = false;
  /** The due time of what was named last. */
  #identified = NaN;

  constructor(options: TimerLoopOptions) {
    const { clock, logger, longestSleep = 1000, hasReplicas = false, identify, onDue } = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#longestSleep = longestSleep;
    this.#hasReplicas = hasReplicas;
    this.#identify = identify;
    this.#onDue = onDue;
    this.#clockWatch = new ClockWatch(clock);
  }

  /** The entries, with when each is due next. */
  get entries(): ScheduleEntry[] {
    return this.#timelines.map(({ entry, next, shift }) => ({
      ...entry,
      nextFire: next === Infinity ? null : new Date(next + shift),
    }));
  }

  /** When the entry is due next, or null. */
  nextFireOf(entryName: string): Date | null {
    this.#byName ??= new Map(this.#timelines.map((each) => [each.entry.name, each]));
    const { next = Infinity, shift = 0 } = this.#byName.get(entryName) ?? {};
    return next === Infinity ? null : new Date(next + shift);
  }

  /**
   * What comes next, without serving it.
   *
   * @param entry only this one. Default: all
   */
  comingFirings(
    { entry, count, until }: { entry?: string; count: number; until?: number },
  ): ComingFiring[] {
    const timelines = entry === undefined
      ? this.#timelines
      : this.#timelines.filter((each) => each.entry.name === entry);
    return comingFirings(timelines, { count, until });
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
   * starts now, or where `recall` says that it stood; with `anew` that goes for all. Made ready in slices while the old entries go
   * on, then swapped at once.
   */
  async load(
    entries: readonly ScheduleEntry[],
    recall?: (entry: ScheduleEntry) => Remembered | null,
    { anew = false } = {},
  ): Promise<void> {
    this.#remembers = recall !== undefined;
    this.#watchClock(); // a new entry is on the clock as it is now
    const slice = new Slice(this.#clock);
    const before = new Map<string, Timeline>();
    for (const timeline of this.#timelines) {
      before.set(timeline.entry.name, timeline);
      if (slice.isOver()) await slice.pause();
    }
    const timelines: Timeline[] = [];
    /** Those that have another timing, and where each stood when it was begun. */
    const changed: { place: number; old: Timeline; last: number }[] = [];
    for (const entry of entries) {
      const old = before.get(entry.name);
      const isKept = !anew && old !== undefined && sameTiming(old.entry, entry);
      if (old !== undefined && !isKept) {
        changed.push({ place: timelines.length, old, last: old.last });
      }
      timelines.push(isKept ? old : this.#begin(entry, old, recall?.(entry)));
      if (slice.isOver()) await slice.pause();
    }
    // From here on nothing waits: the old timelines may have moved on until now.
    for (const { place, old, last } of changed) {
      if (old.last === last) continue;
      const entry = entries[place]!;
      timelines[place] = this.#begin(entry, old, recall?.(entry));
    }
    entries.forEach((entry, place) => timelines[place]!.entry = entry);
    this.#timelines = timelines;
    this.#byName = null;
    this.#fillTimetable();
    this.#wake();
  }

  /** Serves what is due until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const slice = new Slice(this.#clock);
    while (!signal.aborted) {
      this.#watchClock();
      await this.#serveDue(slice, signal);
      await this.#identifyNext(slice, signal);
      if (signal.aborted) return; // meanwhile: nobody would wake it any more
      const untilDue = this.#clock.until(this.#timetable.nextDue);
      if (untilDue <= 0) continue;
      const sleep = Math.min(untilDue, this.#longestSleep);
      this.#clockWatch.sleeping(sleep);
      const wake = new AbortController();
      this.#wake = () => wake.abort();
      signal.addEventListener("abort", this.#wake, { once: true });
      await this.#clock.sleep(sleep, wake.signal);
      signal.removeEventListener("abort", this.#wake);
      slice.begin();
    }
  }

  #begin(entry: ScheduleEntry, old?: Timeline, known?: Remembered | null): Timeline {
    const now = this.#clock.now();
    const timeline = beginTimeline(entry, { now, old, known, hasReplicas: this.#hasReplicas });
    const isLate = known && timeline.fireAt <= now && timeline.next !== known.startsAt;
    if (isLate) this.#logCatchUp(timeline);
    if (timeline.next === Infinity && entry.enabled) this.#logExhausted(timeline);
    return timeline;
  }

  #fillTimetable(): void {
    this.#timetable = new Timetable(this.#timelines.map(({ fireAt }) => fireAt));
  }

  /** Serves what is due by now, pausing so that signals, the bus and requests are served too. */
  async #serveDue(slice: Slice, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    for (let place; (place = this.#timetable.takeDue(now)) !== null;) {
      this.#serve(place, now);
      if (slice.isOver()) {
        await slice.pause();
        if (signal.aborted) return;
      }
    }
  }

  /** Names what is due next, so that a burst has less to do once it is due. */
  async #identifyNext(slice: Slice, signal: AbortSignal): Promise<void> {
    const timetable = this.#timetable;
    const { nextDue } = timetable;
    const isSoon = () => {
      const left = nextDue - this.#clock.now();
      return left > IDENTIFY_UNTIL && left < IDENTIFY_FROM;
    };
    if (this.#identify === undefined || nextDue === this.#identified || !isSoon()) return;
    this.#identified = nextDue;
    for (const place of timetable.dueNext()) {
      const timeline = this.#timelines[place]!;
      timeline.identity = this.#identify(timeline.entry, new Date(timeline.next));
      if (!slice.isOver()) continue;
      await slice.pause();
      if (signal.aborted || timetable !== this.#timetable || !isSoon()) return;
    }
  }

  #serve(place: number, now: number): void {
    const timeline = this.#timelines[place]!;
    try {
      const firesEach = this.#remembers && timeline.entry.catchUp === "all";
      if (firesEach && this.#isFarBehind(timeline, now)) this.#limit(timeline, now);
      const due = advance(timeline, now, firesEach);
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

  #watchClock(): void {
    const fault = this.#clockWatch.look();
    if (fault === null) return;
    const { jump, late } = fault;
    this.#logger.warning("scheduler.clock_jumped", { jump_ms: jump + late, late_ms: late });
    if (jump !== 0) this.#followClock(jump);
  }

  /**
   * A clock set back must not stop the intervals until it has caught up: they count on, and are sent
   * at their spacing by a clock that is shifted. One set forward makes up for that first. Cron, and
   * an interval with a `start_at`, keep to the wall clock, and to what has not fired yet.
   */
  #followClock(jump: number): void {
    const now = this.#clock.now();
    for (const timeline of this.#timelines) {
      const { entry, shift } = timeline;
      if (!entry.enabled) continue;
      if (!isOnWallClock(entry)) timeline.shift = Math.min(shift + jump, 0);
      else if (jump < 0) this.#setBack(timeline, now);
      setFireAt(timeline);
    }
    if (jump > 0) this.#leap = { from: now - jump, to: now };
    else if (this.#leap !== null && now < this.#leap.to) this.#leap = null;
    this.#fillTimetable();
  }

  #setBack(timeline: Timeline, now: number): void {
    const leap = this.#leap;
    if (leap !== null && now < leap.to && timeline.last > leap.from) {
      const { entry, cadence, last, ahead: before } = timeline;
      const ahead = firedAhead(cadence, leap, last);
      if (before !== undefined && before.to > now) {
        ahead.from = Math.min(ahead.from, before.from);
        ahead.to = Math.max(ahead.to, before.to);
      }
      timeline.ahead = ahead;
      // From the entry's own each time: a clock that jumps to and fro must not pile up stretches.
      timeline.cadence = without(entryCadence(entry, new Date(now)), ahead);
      timeline.last = leap.from;
    }
    const { cadence, next, last } = timeline;
    const unfired = cadence.next(new Date(Math.max(now, last)))?.getTime() ?? Infinity;
    timeline.next = Math.min(next, unfired);
  }

  /** Once for all that it is behind with: counting takes as long as a thousand firings. */
  #isFarBehind({ fireAt, countedAt = -Infinity }: Timeline, now: number): boolean {
    return now - Math.max(fireAt, countedAt) > CATCH_UP_CHECK;
  }

  #limit(timeline: Timeline, now: number): void {
    const { next } = timeline;
    if (!limitCatchUp(timeline, now)) return;
    this.#logger.warning("scheduler.fire_skipped", {
      schedule: timeline.entry.name,
      scheduled_for: new Date(next).toISOString(),
      until: new Date(timeline.next).toISOString(),
      reason: "catch_up_limit",
      limit: CATCH_UP_LIMIT,
    });
  }

  #logCatchUp({ entry, next }: Timeline): void {
    this.#logger.info("scheduler.catching_up", {
      schedule: entry.name,
      catch_up: catchUpInEffect(entry, this.#hasReplicas),
      missed_since: new Date(next).toISOString(),
    });
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
