/**
 * The loop that joins entries, timetable and clock: it sleeps until something is due, says so, and
 * never says the same occurrence twice.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Cadence } from "../time/cadence.ts";
import type { Clock } from "../time/clock.ts";
import { ClockWatch } from "./clock_watch.ts";
import type { Identity } from "./dispatch.ts";
import { entryCadence, latestUpTo, sameTiming } from "./entry_cadence.ts";
import { firedAhead, type Stretch, without } from "./fired_ahead.ts";
import { jitter } from "./jitter.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";
import { Slice } from "../time/slice.ts";
import { Timetable } from "./timetable.ts";

/** One occurrence that is due. */
export interface Due {
  readonly entry: ScheduleEntry;
  /**
   * The due instant: part of the dispatch's identity. After the clock was set back, an interval's
   * are ahead of the clock, so that none comes twice.
   */
  readonly scheduledFor: Date;
  /** When it was to be sent by the wall clock, jitter included; milliseconds since the epoch. */
  readonly fireAt: number;
  /** The name of its dispatch, where there was time to make it. */
  readonly identity?: Identity | null;
  /** The first of the occurrences that passed unfired and that this one stands for. */
  readonly passedOverSince?: Date;
}

/** One entry's place in time. */
interface Timeline {
  entry: ScheduleEntry;
  cadence: Cadence;
  // Instants in milliseconds since the epoch: a Date each would double an idle entry's memory.
  /** What the clock was set back by while an interval counted on; 0 or less, in milliseconds. */
  shift: number;
  /** The occurrence that comes next; Infinity when there is none. */
  next: number;
  /** When `next` is to be sent, by the wall clock. */
  fireAt: number;
  /** The occurrence that was last due; -Infinity before the first. */
  last: number;
  /** What `identify` answered last, for an occurrence that may not be the next any more. */
  identity?: Identity | null;
  /** What a cron entry fired while the clock was ahead, which it will not fire again. */
  ahead?: Stretch;
}

/** What is due next is named in this time before it is due, in milliseconds. */
const IDENTIFY_FROM = 1500;
const IDENTIFY_UNTIL = 20;

export interface TimerLoopOptions {
  clock: Clock;
  logger: Logger;
  /**
   * A clock that was set, or a machine that slept, is noticed within this many milliseconds.
   * Default: 1000
   */
  longestSleep?: number;
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
  readonly #identify: TimerLoopOptions["identify"];
  readonly #onDue: (due: Due) => void;
  readonly #clockWatch: ClockWatch;
  /** What the clock was set forward over, until it is set back. */
  #leap: Stretch | null = null;
  #timelines: Timeline[] = [];
  #timetable = new Timetable();
  #wake = () => {};
  /** The due time of what was named last. */
  #identified = NaN;

  constructor({ clock, logger, longestSleep = 1000, identify, onDue }: TimerLoopOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#longestSleep = longestSleep;
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
    this.#watchClock(); // a new entry is on the clock as it is now
    const slice = new Slice(this.#clock);
    const before = new Map<string, Timeline>();
    for (const timeline of this.#timelines) {
      before.set(timeline.entry.name, timeline);
      if (slice.isOver()) await slice.pause();
    }
    const timelines: Timeline[] = [];
    for (const entry of entries) {
      const old = before.get(entry.name);
      const isKept = old !== undefined && sameTiming(old.entry, entry);
      timelines.push(isKept ? old : this.#begin(entry, old));
      if (slice.isOver()) await slice.pause();
    }
    // From here on nothing waits: a kept timeline may have moved on until now.
    entries.forEach((entry, place) => timelines[place]!.entry = entry);
    this.#timelines = timelines;
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

  #begin(entry: ScheduleEntry, old?: Timeline): Timeline {
    const now = this.#clock.now();
    const last = old?.last ?? -Infinity;
    // After the clock was set back, what already fired under this name lies in the future: cron
    // waits until it has passed, an interval counts on from there.
    const from = Math.max(now, last);
    const isCounting = entry.intervalSeconds !== null && !(entry.startAt && +entry.startAt > now);
    const ahead = old?.ahead;
    const whole = entryCadence(entry, new Date(isCounting ? from : now));
    const cadence = ahead === undefined ? whole : without(whole, ahead);
    const next = entry.enabled ? cadence.next(new Date(from)) : null;
    const timeline: Timeline = {
      entry,
      cadence,
      shift: isCounting ? now - from : 0,
      next: next?.getTime() ?? Infinity,
      fireAt: Infinity,
      last,
      identity: null,
      ...(ahead && { ahead }),
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
    const { entry, cadence, fireAt, shift, identity } = timeline;
    const latest = now - shift;
    const first = new Date(timeline.next);
    let scheduledFor = first;
    let next = cadence.next(first);
    // In numbers: to compare two Dates costs more than to find the next one.
    if (next !== null && next.getTime() <= latest) {
      scheduledFor = latestUpTo(cadence, next, new Date(latest));
      next = cadence.next(scheduledFor);
    }
    timeline.identity = null;
    timeline.last = scheduledFor.getTime();
    timeline.next = next?.getTime() ?? Infinity;
    this.#setFireAt(timeline);
    return scheduledFor === first
      ? { entry, scheduledFor, fireAt, identity }
      : { entry, scheduledFor, fireAt: scheduledFor.getTime() + shift, passedOverSince: first };
  }

  #setFireAt(timeline: Timeline): void {
    const { entry, cadence, next, shift } = timeline;
    timeline.fireAt = next + shift;
    if (entry.jitterSeconds === 0 || next === Infinity) return;
    const occurrence = new Date(next);
    const following = cadence.next(occurrence)?.getTime() ?? Infinity;
    const limit = Math.min(entry.jitterSeconds * 1000, following - next);
    timeline.fireAt += jitter(entry.name, occurrence, limit);
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
   * at their spacing by a clock that is shifted. One set forward makes up for that first. Cron keeps
   * to the wall clock, and to what has not fired yet.
   */
  #followClock(jump: number): void {
    const now = this.#clock.now();
    for (const timeline of this.#timelines) {
      const { entry, shift } = timeline;
      if (!entry.enabled) continue;
      if (entry.intervalSeconds === null) {
        if (jump < 0) this.#setCronBack(timeline, now);
      } else {
        if (entry.startAt !== null && entry.startAt.getTime() > now - jump) continue;
        timeline.shift = Math.min(shift + jump, 0);
      }
      this.#setFireAt(timeline);
    }
    if (jump > 0) this.#leap = { from: now - jump, to: now };
    else if (this.#leap !== null && now < this.#leap.to) this.#leap = null;
    this.#fillTimetable();
  }

  #setCronBack(timeline: Timeline, now: number): void {
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
