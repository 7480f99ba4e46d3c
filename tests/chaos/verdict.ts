/**
 * What the stream must hold after any faults, computed from the clock alone: not with the program's
 * own idea of what is due.
 *
 * @module
 */

/** One message of the stream, in its order. */
export interface Stored {
  readonly schedule: string;
  /** Milliseconds since the epoch. */
  readonly scheduledFor: number;
  readonly storedAt: number;
  readonly term: number;
  readonly shard: number;
}

/** An entry that is due whenever `(instant - phase) % period === 0`; all in milliseconds. */
export interface Promised {
  readonly schedule: string;
  readonly period: number;
  /** Null: that of the first message. */
  readonly phase: number | null;
  /** Exactly once and in order; else at most once. */
  readonly isExact: boolean;
}

/** A while in which nothing could be expected, in milliseconds since the epoch. */
export interface Disturbance {
  readonly from: number;
  readonly until: number;
}

export interface Observed {
  readonly messages: readonly Stored[];
  readonly promises: readonly Promised[];
  /** Everything due from here on and until there must have been stored. */
  readonly from: number;
  readonly until: number;
  /** When each fault began, and how long the servers could store nothing. */
  readonly disturbances: readonly Disturbance[];
  /** How late an occurrence may be once nothing is disturbed any more, in milliseconds. */
  readonly allowedLateness: number;
}

export interface Verdict {
  readonly faults: string[];
  /** The largest lateness that no disturbance explains, in milliseconds. */
  readonly worstLateness: number;
  readonly checked: number;
}

export function judge(observed: Observed): Verdict {
  const { messages, promises } = observed;
  const faults: string[] = [];
  for (const promise of promises) {
    const own = messages.filter(({ schedule }) => schedule === promise.schedule);
    faults.push(...judgeEntry(promise, own, observed), ...judgeSilence(promise, own, observed));
  }
  const known = new Set(promises.map(({ schedule }) => schedule));
  for (const { schedule } of messages) {
    if (!known.delete(schedule) && !promises.some((each) => each.schedule === schedule)) {
      faults.push(`${schedule}: nobody asked for it`);
    }
  }
  faults.push(...judgeTerms(messages));
  const { worst, late } = judgeLateness(observed);
  faults.push(...late);
  return { faults, worstLateness: worst, checked: messages.length };
}

function judgeEntry(promise: Promised, own: readonly Stored[], observed: Observed): string[] {
  const { schedule, period, isExact } = promise;
  const faults: string[] = [];
  const seen = new Set<number>();
  let latest = -Infinity;
  const phase = promise.phase ?? own[0]?.scheduledFor ?? 0;
  for (const { scheduledFor } of own) {
    const at = new Date(scheduledFor).toISOString();
    if (seen.has(scheduledFor)) faults.push(`${schedule}: ${at} came twice`);
    if (scheduledFor < latest) faults.push(`${schedule}: ${at} came after a later one`);
    // An interval whose phase was lost in a failover is found here.
    if ((scheduledFor - phase) % period !== 0) faults.push(`${schedule}: ${at} was never due`);
    seen.add(scheduledFor);
    latest = Math.max(latest, scheduledFor);
  }
  if (!isExact) return faults;
  const first = Math.max(own[0]?.scheduledFor ?? observed.from, observed.from);
  for (let due = phase + Math.ceil((first - phase) / period) * period;; due += period) {
    if (due > observed.until) break;
    if (!seen.has(due)) faults.push(`${schedule}: ${new Date(due).toISOString()} never came`);
  }
  return faults;
}

/** Each entry goes on after each fault, also one that may leave occurrences out. */
function judgeSilence(
  { schedule, period }: Promised,
  own: readonly Stored[],
  { until, disturbances, allowedLateness }: Observed,
): string[] {
  const faults: string[] = [];
  const ends = [...own.slice(1).map(({ storedAt }) => storedAt), until];
  own.forEach(({ storedAt }, at) => {
    const end = ends[at]!;
    const disturbed = disturbances.filter(({ from }) => from <= end)
      .map((each) => Math.min(each.until, end));
    const silence = end - Math.max(storedAt, ...disturbed);
    if (silence <= period + allowedLateness) return;
    faults.push(`${schedule}: silent for ${silence} ms up to ${new Date(end).toISOString()}`);
  });
  return faults;
}

/** A holder whose lease has gone must not be heard any more. */
function judgeTerms(messages: readonly Stored[]): string[] {
  const terms = new Map<number, number>();
  const faults: string[] = [];
  for (const { shard, term, schedule, scheduledFor } of messages) {
    const newest = terms.get(shard) ?? 0;
    if (term >= newest) {
      terms.set(shard, term);
      continue;
    }
    const at = new Date(scheduledFor).toISOString();
    faults.push(`${schedule}: ${at} came in term ${term} after term ${newest} of shard ${shard}`);
  }
  return faults;
}

function judgeLateness(
  { messages, promises, disturbances, allowedLateness }: Observed,
): { worst: number; late: string[] } {
  const exact = new Set(promises.filter(({ isExact }) => isExact).map(({ schedule }) => schedule));
  let worst = 0;
  const late: string[] = [];
  for (const { schedule, scheduledFor, storedAt } of messages) {
    if (!exact.has(schedule)) continue;
    const disturbed = disturbances.filter(({ from }) => from <= storedAt)
      .map(({ until }) => Math.min(until, storedAt));
    const lateness = storedAt - Math.max(scheduledFor, ...disturbed);
    worst = Math.max(worst, lateness);
    if (lateness <= allowedLateness) continue;
    const at = new Date(scheduledFor).toISOString();
    late.push(`${schedule}: ${at} came ${lateness} ms after it could have`);
  }
  return { worst, late };
}
