/**
 * Which occurrence of an entry comes next, when it is sent, and which ones were missed. Pure: the
 * caller says what time it is. Instants are in milliseconds since the epoch.
 *
 * @module
 */
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Cadence } from "../time/cadence.ts";
import type { CatchUp } from "../wire/vocabulary.ts";
import {
  countUpTo,
  entryCadence,
  isOnWallClock,
  lastFew,
  latestUpTo,
  nextAfter,
} from "./entry_cadence.ts";
import { firedAhead, type Stretch, without } from "./fired_ahead.ts";
import { jitter } from "./jitter.ts";
import { graceMs } from "./misfire.ts";

/** One occurrence that is due. */
export interface Due {
  /**
   * The due instant: part of the dispatch's identity. After the clock was set back, an interval's
   * are ahead of the clock, so that none comes twice.
   */
  readonly scheduledFor: number;
  /** When it was to be sent by the wall clock, jitter included. */
  readonly fireAt: number;
  /** The first of the occurrences that passed unfired and that this one stands for; else null. */
  readonly passedOverSince: number | null;
  /** Whether it was late and has been delayed by its jitter since: its grace was judged then. */
  readonly isSpread: boolean;
}

/** What only an entry with an unusual history has. */
export interface Irregular {
  /** The instants that a cron entry fired while the clock was ahead, and will not fire again. */
  ahead: Stretch | null;
  /** A late occurrence that waits for the end of its new delay, which is at `spreadUntil`. */
  late: Due | null;
  spreadUntil: number;
  /** When the last late occurrence was spread; -Infinity for never. */
  spreadAt: number;
  /** When the missed occurrences were counted; -Infinity for never. */
  countedAt: number;
}

/** An entry's place in time. */
export interface Position {
  entry: ScheduleEntry;
  cadence: Cadence;
  /** How far the clock was set back while an interval counted on: 0 or less, in milliseconds. */
  shift: number;
  /** The occurrence that comes next; Infinity when there is none. */
  next: number;
  /** The occurrence that was due last; -Infinity before the first. */
  last: number;
  irregular: Irregular | null;
}

/** What a checkpoint says of an entry. */
export interface Known {
  /** When the entry was first seen with this timing: an interval counts from here. */
  readonly since: number;
  /** The occurrence that was dealt with last; null for none. */
  readonly last: number | null;
  /** Whether nothing was remembered of the entry with this timing. */
  readonly isNew: boolean;
  /** What `run_on_start` fires; null where this is no start. */
  readonly startsAt: number | null;
  /** Up to when the holder before fired everything, where it handed the entry over; else null. */
  readonly firedUntil: number | null;
}

export interface BeginOptions {
  now: number;
  /** Where an entry of the same name stood until now. */
  old?: Position | null;
  /** Default: null, nothing is remembered. */
  known?: Known | null;
  catchUp: CatchUp;
}

/** Occurrences that were missed and are not fired. */
export interface Missed {
  readonly first: number;
  readonly last: number;
  /** At most {@link MAX_COUNTED}. */
  readonly count: number;
}

/** Where an entry begins. */
export interface Beginning extends Position {
  /** When `next` is sent, by the wall clock; Infinity for never. */
  fireAt: number;
  missed: Missed | null;
  /** The first missed occurrence, where one or all of them are fired; else null. */
  catchesUpSince: number | null;
}

/** How many missed occurrences of an entry are caught up with at most (contract, section 5). */
export const CATCH_UP_LIMIT = 1000;
/** How many missed occurrences of an entry are counted at most: counting more takes too long. */
export const MAX_COUNTED = 1000;

/** Returns where an entry begins: one that starts now, or one that is taken up where it was left. */
export function begin(entry: ScheduleEntry, options: BeginOptions): Beginning {
  const { now, old = null, known = null } = options;
  const last = Math.max(old?.last ?? -Infinity, known?.last ?? -Infinity);
  // After the clock was set back, what already fired under this name lies in the future: an entry
  // on the wall clock waits until it has passed, an interval counts on from there.
  const from = Math.max(now, last);
  const keepsPhase = known !== null && from - now <= (entry.timing.periodMs ?? 0);
  const isCounting = !isOnWallClock(entry) && !keepsPhase;
  const anchor = keepsPhase ? known.since : isCounting ? from : now;
  const whole = entryCadence(entry, new Date(anchor));
  const irregular = old?.irregular ? { ...old.irregular } : null;
  const beginning: Beginning = {
    entry,
    cadence: irregular?.ahead ? without(whole, irregular.ahead) : whole,
    shift: isCounting ? now - from : 0,
    next: Infinity,
    last,
    irregular,
    fireAt: Infinity,
    missed: null,
    catchesUpSince: null,
  };
  if (!entry.enabled) return beginning;
  if (known === null || known.isNew || isCounting) beginFresh(beginning, from, now);
  else resume(beginning, known, options);
  const startsAt = old !== null ? null : known === null ? now : known.startsAt;
  if (entry.runOnStart && startsAt !== null && isWithin(entry, now)) {
    // What its jitter still holds back is sent instead, at once.
    beginning.next = Math.min(beginning.next, startsAt);
    beginning.fireAt = Math.min(beginning.fireAt, startsAt);
  }
  if (irregular?.late) beginning.fireAt = Math.min(beginning.fireAt, irregular.spreadUntil);
  return beginning;
}

/** Goes on with the first occurrence that is still to come: nothing before it was missed. */
function beginFresh(beginning: Beginning, from: number, now: number): void {
  const pending = from > now ? null : pendingAt(beginning, now);
  const isUnfired = pending !== null && pending > beginning.last;
  moveTo(beginning, isUnfired ? pending : nextAfter(beginning.cadence, from));
}

/** Goes on after the checkpoint, as the entry's `catch_up` says. */
function resume(beginning: Beginning, known: Known, { now, catchUp }: BeginOptions): void {
  const { cadence, last } = beginning;
  const base = Math.max(last, known.since);
  const firstDue = nextAfter(cadence, base);
  const pending = pendingAt(beginning, now);
  const coming = pending !== null && pending > base
    ? pending
    : nextAfter(cadence, Math.max(base, now));
  moveTo(beginning, coming);
  if (firstDue >= coming) return; // nothing was missed
  const lastMissed = latestUpTo(cadence, new Date(firstDue), new Date(Math.min(coming - 1, now)))
    .getTime();
  // With a lease that was handed over, what its holder fired was not missed.
  const handedOver = catchUp === "none" ? known.firedUntil : null;
  const firstMissed = handedOver === null
    ? firstDue
    : firstSentAfter(beginning, firstDue, handedOver);
  if (firstMissed > lastMissed) return;
  const first = catchUp === "none" && handedOver === null
    ? Infinity
    : firstSentAfter(beginning, firstMissed, now - graceMs(beginning.entry) - 1);
  const fires = first <= lastMissed;
  const next = !fires ? lastMissed + 1 : catchUp === "one" ? lastMissed : first;
  if (firstMissed < next) beginning.missed = missedBetween(cadence, firstMissed, next - 1);
  if (!fires) return;
  moveTo(beginning, next);
  beginning.catchesUpSince = firstMissed;
}

/** Returns the first occurrence, from `first` on, that is to be sent later than `bound`. */
function firstSentAfter(beginning: Beginning, first: number, bound: number): number {
  if (bound === -Infinity) return first;
  const { entry, cadence } = beginning;
  let found = Math.max(first, nextAfter(cadence, bound - entry.jitterSeconds * 1000));
  while (found <= bound && found + delayOf(beginning, found) <= bound) {
    found = nextAfter(cadence, found);
  }
  return found;
}

function missedBetween(cadence: Cadence, first: number, until: number): Missed {
  const last = latestUpTo(cadence, new Date(first), new Date(until)).getTime();
  return { first, last, count: countUpTo(cadence, new Date(first), new Date(last), MAX_COUNTED) };
}

/** Returns the occurrence that has passed and that its jitter still holds back at `now`, or null. */
function pendingAt(position: Position, now: number): number | null {
  const { entry, cadence } = position;
  if (entry.jitterSeconds === 0) return null;
  // A delay ends before the following occurrence: only the latest can still be to come.
  const first = cadence.next(new Date(now - entry.jitterSeconds * 1000 - 1));
  if (first === null || first.getTime() > now) return null;
  const latest = latestUpTo(cadence, first, new Date(now)).getTime();
  return latest + delayOf(position, latest) > now ? latest : null;
}

function moveTo(beginning: Beginning, next: number): void {
  beginning.next = next;
  beginning.fireAt = fireAtOf(beginning);
}

/** Returns when the position is due next, by the wall clock: a late occurrence comes first. */
export function dueAt(position: Position): number {
  const { irregular } = position;
  return irregular?.late ? irregular.spreadUntil : fireAtOf(position);
}

/** Returns when the next occurrence is sent, by the wall clock; Infinity for never. */
export function fireAtOf(position: Position): number {
  const { entry, next, shift } = position;
  if (entry.jitterSeconds === 0 || next === Infinity) return next + shift;
  return next + shift + delayOf(position, next);
}

/** Returns how long jitter holds an occurrence back, in milliseconds. */
function delayOf({ entry, cadence }: Position, occurrence: number): number {
  if (entry.jitterSeconds === 0) return 0;
  const due = new Date(occurrence);
  const following = cadence.next(due)?.getTime() ?? Infinity;
  return jitter(entry.name, due, Math.min(entry.jitterSeconds * 1000, following - occurrence));
}

/**
 * Takes the occurrence that is due and moves on to the next one.
 *
 * @param fireAt when it was to be sent
 * @param firesEach whether what passed unfired fires one by one; else the latest stands for all
 */
export function advance(
  position: Position,
  { now, fireAt, firesEach }: { now: number; fireAt: number; firesEach: boolean },
): Due {
  const { cadence, shift } = position;
  const first = position.next;
  let scheduledFor = first;
  const firstDue = new Date(first);
  let next = cadence.next(firstDue);
  // In numbers: to compare two Dates costs more than to find the next one.
  if (!firesEach && next !== null && next.getTime() <= now - shift) {
    scheduledFor = latestPassed(position, next, now - shift);
    if (scheduledFor !== first) next = cadence.next(new Date(scheduledFor));
  }
  position.last = scheduledFor;
  position.next = next?.getTime() ?? Infinity;
  if (scheduledFor === first) {
    return { scheduledFor, fireAt, passedOverSince: null, isSpread: false };
  }
  const sentAt = scheduledFor + shift + delayOf(position, scheduledFor);
  return { scheduledFor, fireAt: sentAt, passedOverSince: first, isSpread: false };
}

/** Returns the latest occurrence before `now` that jitter does not hold back any more. */
function latestPassed(position: Position, second: Date, now: number): number {
  const { cadence, next } = position;
  const latest = latestUpTo(cadence, second, new Date(now)).getTime();
  if (latest + delayOf(position, latest) <= now) return latest;
  return latestUpTo(cadence, new Date(next), new Date(latest - 1)).getTime();
}

/**
 * Delays a late occurrence anew by its jitter, so that what was missed does not fire all at once: at
 * the latest it is sent when the entry's next coming occurrence is.
 *
 * @returns when it is sent; null where it is not to be delayed
 */
export function spread(position: Position, due: Due, now: number): number | null {
  const { entry, cadence, shift } = position;
  if (entry.jitterSeconds === 0 || now - due.fireAt < MIN_SPREAD_LATENESS_MS) return null;
  // What was late at the same time follows in order, without a delay of its own.
  const irregular = position.irregular ??= newIrregular({});
  if (due.fireAt <= irregular.spreadAt) return null;
  const coming = pendingAt(position, now - shift) ?? nextAfter(cadence, now - shift);
  const limit = coming === Infinity ? Infinity : coming + shift + delayOf(position, coming);
  irregular.spreadAt = now;
  irregular.late = { ...due, isSpread: true };
  irregular.spreadUntil = Math.min(now + delayOf(position, due.scheduledFor), limit);
  return irregular.spreadUntil;
}

/** An occurrence that is late by less is sent at once: the timer's lateness is no reason to wait. */
const MIN_SPREAD_LATENESS_MS = 1000;

/**
 * Takes the late occurrence that was spread. Where the next one is due by now too, it stands for
 * both, unless each fires.
 */
export function takeSpread(position: Position, now: number, firesEach: boolean): Due {
  const irregular = position.irregular!;
  const late = irregular.late!;
  irregular.late = null;
  const fireAt = fireAtOf(position);
  if (firesEach || fireAt > now) return late;
  const due = advance(position, { now, fireAt, firesEach });
  return { ...due, passedOverSince: late.passedOverSince ?? late.scheduledFor };
}

/**
 * Leaves out all but the last {@link CATCH_UP_LIMIT} occurrences that have passed.
 *
 * @returns whether there were more
 */
export function limitCatchUp(position: Position, now: number): boolean {
  const { cadence, next, shift } = position;
  (position.irregular ??= newIrregular({})).countedAt = now;
  const latest = new Date(now - shift);
  const first = lastFew(cadence, new Date(next), latest, CATCH_UP_LIMIT).getTime();
  if (first === next) return false;
  position.next = first;
  return true;
}

/**
 * Follows a wall clock that was set. A clock set back must not stop an interval until it has caught
 * up: it counts on, and is sent at its spacing by a clock that is shifted; one set forward makes up
 * for that first. Cron, and an interval with a `start_at`, keep to the wall clock and to what has not
 * fired yet.
 *
 * @param jump what the clock was set forward by, negative for back
 * @param leap what the clock was set forward over before, where that has not been undone
 */
export function followClock(
  position: Position,
  { jump, now, leap }: { jump: number; now: number; leap: Stretch | null },
): void {
  const { entry, irregular } = position;
  if (!entry.enabled) return;
  if (irregular?.late) irregular.spreadUntil += jump;
  if (!isOnWallClock(entry)) position.shift = Math.min(position.shift + jump, 0);
  else if (jump < 0) setBack(position, now, leap);
}

/**
 * Takes what the entry fired ahead of the clock out of its future, so that it goes on by the clock as
 * it is and comes to nothing twice.
 */
export function setBack(position: Position, now: number, leap: Stretch | null): void {
  if (leap !== null && now < leap.to && position.last > leap.from) {
    const { entry, cadence, last } = position;
    const irregular = position.irregular ??= newIrregular({});
    const before = irregular.ahead;
    const ahead = firedAhead(cadence, leap, last);
    if (before !== null && before.to > now) {
      ahead.from = Math.min(ahead.from, before.from);
      ahead.to = Math.max(ahead.to, before.to);
    }
    irregular.ahead = ahead;
    // From the entry's own each time: a clock that jumps to and fro must not pile up stretches.
    position.cadence = without(entryCadence(entry, new Date(now)), ahead);
    position.last = leap.from;
  }
  const { cadence, next, last } = position;
  position.next = Math.min(next, nextAfter(cadence, Math.max(now, last)));
}

function newIrregular(known: Partial<Irregular>): Irregular {
  return {
    ahead: null,
    late: null,
    spreadUntil: Infinity,
    spreadAt: -Infinity,
    countedAt: -Infinity,
    ...known,
  };
}

function isWithin({ startAt, endAt }: ScheduleEntry, now: number): boolean {
  return (startAt === null || startAt.getTime() <= now) &&
    (endAt === null || now <= endAt.getTime());
}
