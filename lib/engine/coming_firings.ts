import { occurrencesFrom } from "../schedule/entry_cadence.ts";
import { dueAt, fireAtOf, type Position } from "../schedule/occurrences.ts";
import { DueQueue } from "./due_queue.ts";

/** One occurrence that is to come. Instants in milliseconds since the epoch. */
export interface ComingFiring {
  readonly entry: string;
  readonly scheduledFor: number;
  /** When it is to be sent by the wall clock, jitter included. */
  readonly fireAt: number;
}

/**
 * Returns what fires next, in order, without moving the entries on.
 *
 * @param count how many at most
 * @param until the last instant, in milliseconds since the epoch
 */
export function comingFirings(
  positions: readonly Position[],
  { count, until = Number.MAX_SAFE_INTEGER }: { count: number; until?: number },
): ComingFiring[] {
  const queue = new DueQueue(positions.map(dueAt));
  const firings: Generator<ComingFiring, void>[] = [];
  /** What the queue holds, of each entry that was met. */
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

/** Yields what one entry fires next, in order. */
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
