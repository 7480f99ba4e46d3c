/**
 * Finds an entry's next occurrence, the instant at which it is sent, and the missed ones. Reads no
 * clock: the caller passes the time. Instants are in milliseconds since the epoch.
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

/** An occurrence that is due. */
export interface Due {
  /**
   * The due instant, a part of the dispatch's identity. After the clock was set back, those of an
   * interval are ahead of it, so that none repeats.
   */
  readonly scheduledFor: number;
  /** The instant at which it was to be sent, by the wall clock, with its jitter. */
  readonly fireAt: number;
  /** The first of the passed occurrences that this one replaces; null where there are none. */
  readonly passedOverSince: number | null;
  /** Whether it was late and its jitter delayed it again, after a check of its grace. */
  readonly isSpread: boolean;
}

/** The part of a position that few entries need. */
export interface Irregular {
  /** The instants that a cron entry fired while the clock was ahead, and will not fire again. */
  ahead: Stretch | null;
  /** A late occurrence, which its jitter delays again until `spreadUntil`. */
  late: Due | null;
  spreadUntil: number;
  /** When the last late occurrence was delayed again; -Infinity for never. */
  spreadAt: number;
  /** When the missed occurrences were last counted; -Infinity for never. */
  countedAt: number;
}

/** The position of an entry in its schedule. */
export interface Position {
  entry: ScheduleEntry;
  cadence: Cadence;
  /** By how much the clock was set back while an interval went on: 0 or less, in milliseconds. */
  shift: number;
  /** The next occurrence; Infinity for none. */
  next: number;
  /** The last occurrence that was due; -Infinity for none. */
  last: number;
  irregular: Irregular | null;
}

/** The contents of an entry's checkpoint. */
export interface Known {
  /** When the entry was first seen with this timing; an interval counts from here. */
  readonly since: number;
  /** The last occurrence that is done; null for none. */
  readonly last: number | null;
  /** Whether there was no checkpoint of the entry with this timing. */
  readonly isNew: boolean;
  /** The instant that `run_on_start` fires; null where the scheduler does not start. */
  readonly startsAt: number | null;
  /** The instant up to which the last holder fired everything, if it handed over; else null. */
  readonly firedUntil: number | null;
}

export interface BeginOptions {
  now: number;
  /** The position of the entry of the same name until now. Default: null, none. */
  old?: Position | null;
  /** Default: null, no checkpoint. */
  known?: Known | null;
  catchUp: CatchUp;
}

/** Missed occurrences that do not fire. */
export interface Missed {
  readonly first: number;
  readonly last: number;
  /** At most {@link MAX_COUNTED}. */
  readonly count: number;
}

/** The position at which an entry begins. */
export interface Beginning extends Position {
  /** The instant at which `next` is sent, by the wall clock; Infinity for never. */
  fireAt: number;
  missed: Missed | null;
  /** The first missed occurrence, where one or all of them fire; else null. */
  catchesUpSince: number | null;
}

/** The maximum number of missed occurrences of an entry that fire (contract, section 5). */
export const CATCH_UP_LIMIT = 1000;
/** The maximum count of an entry's missed occurrences; counting more takes too long. */
export const MAX_COUNTED = 1000;

/** Returns where an entry begins: now, or where its checkpoint or its old position left off. */
export function begin(entry: ScheduleEntry, options: BeginOptions): Beginning {
  const { now, old = null, known = null } = options;
  const last = Math.max(old?.last ?? -Infinity, known?.last ?? -Infinity);
  // After the clock was set back, the last firing of this name lies in the future: an entry on the
  // wall clock waits until that has passed, an interval continues from there.
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
    // An occurrence that its jitter still delays is sent at once, in place of the start.
    beginning.next = Math.min(beginning.next, startsAt);
    beginning.fireAt = Math.min(beginning.fireAt, startsAt);
  }
  if (irregular?.late) beginning.fireAt = Math.min(beginning.fireAt, irregular.spreadUntil);
  return beginning;
}

/** Begins at the first occurrence that has not been sent yet; nothing before it was missed. */
function beginFresh(beginning: Beginning, from: number, now: number): void {
  const pending = from > now ? null : pendingAt(beginning, now);
  const isUnfired = pending !== null && pending > beginning.last;
  moveTo(beginning, isUnfired ? pending : nextAfter(beginning.cadence, from));
}

/** Continues after the checkpoint, by the catch-up policy. */
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
  // What the last holder of a handed-over lease fired was not missed.
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

/** Returns the first occurrence, from `first` on, that is sent later than `bound`. */
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

/** Returns the passed occurrence that its jitter still delays at `now`, or null. */
function pendingAt(position: Position, now: number): number | null {
  const { entry, cadence } = position;
  if (entry.jitterSeconds === 0) return null;
  // A delay ends before the following occurrence, so only the latest one can be pending.
  const first = cadence.next(new Date(now - entry.jitterSeconds * 1000 - 1));
  if (first === null || first.getTime() > now) return null;
  const latest = latestUpTo(cadence, first, new Date(now)).getTime();
  return latest + delayOf(position, latest) > now ? latest : null;
}

function moveTo(beginning: Beginning, next: number): void {
  beginning.next = next;
  beginning.fireAt = fireAtOf(beginning);
}

/** Returns the next due time, by the wall clock; a late occurrence comes first. */
export function dueAt(position: Position): number {
  const { irregular } = position;
  return irregular?.late ? irregular.spreadUntil : fireAtOf(position);
}

/** Returns the instant at which the next occurrence is sent, by the wall clock, or Infinity. */
export function fireAtOf(position: Position): number {
  const { entry, next, shift } = position;
  if (entry.jitterSeconds === 0 || next === Infinity) return next + shift;
  return next + shift + delayOf(position, next);
}

/** Returns the delay of an occurrence by its jitter, in milliseconds. */
function delayOf({ entry, cadence }: Position, occurrence: number): number {
  if (entry.jitterSeconds === 0) return 0;
  const due = new Date(occurrence);
  const following = cadence.next(due)?.getTime() ?? Infinity;
  return jitter(entry.name, due, Math.min(entry.jitterSeconds * 1000, following - occurrence));
}

/**
 * Takes the due occurrence and advances to the next one.
 *
 * @param fireAt the instant at which it was to be sent
 * @param firesEach whether every passed occurrence fires; else the latest replaces them all
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
  // Numbers, since comparing two Dates costs more than finding the next one.
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

/** Returns the latest occurrence up to `now` that jitter does not delay any more. */
function latestPassed(position: Position, second: Date, now: number): number {
  const { cadence, next } = position;
  const latest = latestUpTo(cadence, second, new Date(now)).getTime();
  if (latest + delayOf(position, latest) <= now) return latest;
  return latestUpTo(cadence, new Date(next), new Date(latest - 1)).getTime();
}

/**
 * Delays a late occurrence again by its jitter, so that the missed ones of many entries do not fire
 * at once. It is sent at the latest when the entry's next occurrence is.
 *
 * @returns the instant at which it is sent; null where it is not delayed
 */
export function spread(position: Position, due: Due, now: number): number | null {
  const { entry, cadence, shift } = position;
  if (entry.jitterSeconds === 0 || now - due.fireAt < MIN_SPREAD_LATENESS_MS) return null;
  // Others that were late at the same time follow in order, without another delay.
  const irregular = position.irregular ??= newIrregular({});
  if (due.fireAt <= irregular.spreadAt) return null;
  const coming = pendingAt(position, now - shift) ?? nextAfter(cadence, now - shift);
  const limit = coming === Infinity ? Infinity : coming + shift + delayOf(position, coming);
  irregular.spreadAt = now;
  irregular.late = { ...due, isSpread: true };
  irregular.spreadUntil = Math.min(now + delayOf(position, due.scheduledFor), limit);
  return irregular.spreadUntil;
}

/** An occurrence that is late by less is sent at once: the timer itself can be that late. */
const MIN_SPREAD_LATENESS_MS = 1000;

/**
 * Takes the late occurrence that was delayed. Where the next one is due too, that one replaces
 * both, unless every occurrence fires.
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
 * Skips all but the last {@link CATCH_UP_LIMIT} passed occurrences.
 *
 * @returns whether any were skipped
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
 * Adjusts a position to a wall clock that was set. A clock that was set back must not stop an
 * interval until it has caught up: the interval continues by a shifted clock, and a clock that is
 * set forward reduces the shift first. Cron, and an interval with a `start_at`, stay on the wall
 * clock and fire no occurrence twice.
 *
 * @param jump the milliseconds by which the clock was set forward; negative for back
 * @param setForward the stretch that the clock was set forward over before; null once undone
 */
export function followClock(
  position: Position,
  { jump, now, setForward }: { jump: number; now: number; setForward: Stretch | null },
): void {
  const { entry, irregular } = position;
  if (!entry.enabled) return;
  if (irregular?.late) irregular.spreadUntil += jump;
  if (!isOnWallClock(entry)) position.shift = Math.min(position.shift + jump, 0);
  else if (jump < 0) setBack(position, now, setForward);
}

/**
 * Continues an entry by a clock that was set back, without the occurrences that fired while the
 * clock was ahead.
 */
export function setBack(position: Position, now: number, setForward: Stretch | null): void {
  if (setForward !== null && now < setForward.to && position.last > setForward.from) {
    const { entry, cadence, last } = position;
    const irregular = position.irregular ??= newIrregular({});
    const before = irregular.ahead;
    const ahead = firedAhead(cadence, setForward, last);
    if (before !== null && before.to > now) {
      ahead.from = Math.min(ahead.from, before.from);
      ahead.to = Math.max(ahead.to, before.to);
    }
    irregular.ahead = ahead;
    // Begins with the entry's own cadence, so that repeated jumps do not nest stretches.
    position.cadence = without(entryCadence(entry, new Date(now)), ahead);
    position.last = setForward.from;
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
