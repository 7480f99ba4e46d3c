import { occurrencesFrom } from "../schedule/entry_cadence.ts";
import { dueAt, fireAtOf, type Position } from "../schedule/occurrences.ts";
import { DueQueue } from "./due_queue.ts";

/** A future occurrence. Instants are in milliseconds since the epoch. */
export interface ComingFiring {
  readonly entry: string;
  readonly scheduledFor: number;
  /** The instant at which it is sent, by the wall clock, with its jitter. */
  readonly fireAt: number;
}

/**
 * Returns the next firings in order, without advancing the entries.
 *
 * @param count the maximum number of firings
 * @param until the last instant, in milliseconds since the epoch
 */
export function comingFirings(
  positions: readonly Position[],
  { count, until = Number.MAX_SAFE_INTEGER }: { count: number; until?: number },
): ComingFiring[] {
  const queue = new DueQueue(positions.map(dueAt));
  const firings: Generator<ComingFiring, void>[] = [];
  /** The queued firing of each entry whose first one has been taken. */
  const queued: ComingFiring[] = [];
  const coming: ComingFiring[] = [];
  while (coming.length < count) {
    const place = queue.takeDue(until);
    if (place === null) break;
    const own = firings[place] ??= firingsOf(positions[place]!);
    coming.push(queued[place] ?? own.next().value!);
    const following = own.next();
    if (following.done) continue;
    queued[place] = following.value;
    queue.add(place, following.value.fireAt);
  }
  return coming;
}

/** Yields the next firings of one entry, in order. */
function* firingsOf(position: Position): Generator<ComingFiring, void> {
  const { entry, cadence, shift, next, last, irregular } = position;
  const late = irregular?.late ?? null;
  if (late !== null) {
    yield { entry: entry.name, scheduledFor: late.scheduledFor, fireAt: dueAt(position) };
  }
  for (const at of occurrencesFrom(cadence, next)) {
    const fireAt = fireAtOf({ entry, cadence, shift, next: at, last, irregular: null });
    yield { entry: entry.name, scheduledFor: at + shift, fireAt };
  }
}
