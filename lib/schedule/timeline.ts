/**
 * Where an entry stands: which occurrence comes next, and when it is sent. Pure: the loop says what
 * time it is.
 *
 * @module
 */
import type { Cadence } from "../time/cadence.ts";
import type { Identity } from "../wire/identity.ts";
import { entryCadence, isOnWallClock, lastFew, latestUpTo } from "./entry_cadence.ts";
import { type Stretch, without } from "./fired_ahead.ts";
import { jitter } from "./jitter.ts";
import { catchUpInEffect } from "./catch_up.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { CatchUp } from "../wire/vocabulary.ts";

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
  /** When the entry is sent next, by the wall clock; Infinity for never. Default: unknown. */
  readonly next?: number;
}

/** What is known of an entry from before. Instants in milliseconds since the epoch. */
export interface Remembered {
  /** When it was first seen with this timing: an interval counts from here. */
  readonly since: number;
  /** The occurrence that was dealt with last. */
  readonly last: number | null;
  /** What `run_on_start` fires; null where this is no start. */
  readonly startsAt: number | null;
  /** Up to when somebody else fired everything, who has handed it over; else null. */
  readonly firedUntil: number | null;
}

/** One entry's place in time. */
export interface Timeline {
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
  /** When what it is to catch up with was counted, by the wall clock; milliseconds. */
  countedAt?: number;
}

/** So many missed occurrences of an entry are caught up with, as the contract has it. */
export const CATCH_UP_LIMIT = 1000;

export interface Beginning {
  /** By the wall clock, in milliseconds since the epoch. */
  now: number;
  /** Where an entry of the same name and another timing stood. */
  old?: Timeline;
  known?: Remembered | null;
  /** Whether several processes share the schedules. Default: false. */
  hasReplicas?: boolean;
}

/** Where an entry stands that starts now, or that is taken up where somebody left it. */
export function beginTimeline(
  entry: ScheduleEntry,
  { now, old, known = null, hasReplicas = false }: Beginning,
): Timeline {
  const last = Math.max(old?.last ?? -Infinity, known?.last ?? -Infinity);
  // After the clock was set back, what already fired under this name lies in the future: what is
  // on the wall clock waits until it has passed, an interval counts on from there.
  const from = Math.max(now, last);
  const keepsPhase = known !== null && from - now <= (entry.intervalSeconds ?? 0) * 1000;
  const isCounting = !isOnWallClock(entry) && !keepsPhase;
  const ahead = old?.ahead;
  const anchor = keepsPhase ? known.since : isCounting ? from : now;
  // What was due under the old timing and has not been fired yet is not lost.
  const unfired = isOnWallClock(entry) ? Math.min(now, (old?.next ?? Infinity) - 1) : from;
  const whole = entryCadence(entry, new Date(anchor));
  const timeline: Timeline = {
    entry,
    cadence: ahead === undefined ? whole : without(whole, ahead),
    shift: isCounting ? now - from : 0,
    next: Infinity,
    fireAt: Infinity,
    last,
    identity: null,
    ...(ahead && { ahead }),
  };
  if (!entry.enabled) return timeline;
  if (known === null || isCounting) moveTo(timeline, Math.max(unfired, last));
  else findFirst(timeline, known, { now, catchUp: catchUpInEffect(entry, hasReplicas) });
  const startsAt = old !== undefined ? null : known === null ? now : known.startsAt;
  if (entry.runOnStart && startsAt !== null && isWithin(entry, now) && startsAt < timeline.next) {
    timeline.next = startsAt;
    timeline.fireAt = startsAt;
  }
  return timeline;
}

/** The first occurrence that is still to come, or the first missed one that is to be caught up. */
function findFirst(
  timeline: Timeline,
  known: Remembered,
  { now, catchUp }: { now: number; catchUp: CatchUp },
): void {
  const { entry, last } = timeline;
  const catchesUp = catchUp !== "none" || known.firedUntil !== null;
  // What its jitter still holds back has not been missed.
  const missedUntil = now - entry.jitterSeconds * 1000;
  const fired = catchUp === "none" ? known.firedUntil ?? missedUntil : -Infinity;
  moveTo(timeline, Math.max(last, known.since, fired));
  while (!catchesUp && timeline.fireAt <= now) moveTo(timeline, timeline.next);
}

/** Makes the first occurrence after `after` the next one. */
function moveTo(timeline: Timeline, after: number): void {
  timeline.next = timeline.cadence.next(new Date(after))?.getTime() ?? Infinity;
  setFireAt(timeline);
}

export function setFireAt(timeline: Timeline): void {
  const { entry, cadence, next, shift } = timeline;
  timeline.fireAt = next + shift;
  if (entry.jitterSeconds === 0 || next === Infinity) return;
  const occurrence = new Date(next);
  const following = cadence.next(occurrence)?.getTime() ?? Infinity;
  const limit = Math.min(entry.jitterSeconds * 1000, following - next);
  timeline.fireAt += jitter(entry.name, occurrence, limit);
}

/**
 * Takes the occurrence that is due and moves the timeline on to the next one.
 *
 * @param now by the wall clock, in milliseconds since the epoch
 * @param firesEach whether what passed unfired fires one by one; else the latest stands for all
 */
export function advance(timeline: Timeline, now: number, firesEach: boolean): Due {
  const { entry, cadence, fireAt, shift, identity } = timeline;
  const latest = now - shift;
  const first = new Date(timeline.next);
  let scheduledFor = first;
  let next = cadence.next(first);
  // In numbers: to compare two Dates costs more than to find the next one.
  if (!firesEach && next !== null && next.getTime() <= latest) {
    scheduledFor = latestUpTo(cadence, next, new Date(latest));
    next = cadence.next(scheduledFor);
  }
  timeline.identity = null;
  timeline.last = scheduledFor.getTime();
  timeline.next = next?.getTime() ?? Infinity;
  setFireAt(timeline);
  return scheduledFor === first
    ? { entry, scheduledFor, fireAt, identity, next: timeline.next + shift }
    : {
      entry,
      scheduledFor,
      fireAt: scheduledFor.getTime() + shift,
      passedOverSince: first,
      next: timeline.next + shift,
    };
}

/**
 * Leaves out all but the last {@link CATCH_UP_LIMIT} occurrences that have passed.
 *
 * @returns whether there were more
 */
export function limitCatchUp(timeline: Timeline, now: number): boolean {
  const { cadence, next, shift } = timeline;
  timeline.countedAt = now;
  const latest = new Date(now - shift);
  const first = lastFew(cadence, new Date(next), latest, CATCH_UP_LIMIT).getTime();
  if (first === next) return false;
  timeline.next = first;
  setFireAt(timeline);
  return true;
}

function isWithin({ startAt, endAt }: ScheduleEntry, now: number): boolean {
  return (startAt === null || startAt.getTime() <= now) &&
    (endAt === null || now <= endAt.getTime());
}
