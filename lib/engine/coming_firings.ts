import { dueAt, type Position } from "../schedule/occurrences.ts";
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
  const copies: Position[] = [];
  const dues = positions.map(dueAt);
  const queue = new DueQueue(dues);
  const coming: ComingFiring[] = [];
  while (coming.length < count) {
    const place = queue.takeDue(until);
    if (place === null) break;
    const { entry, cadence, shift, next, last, irregular } = copies[place] ?? positions[place]!;
    const late = irregular?.late ?? null;
    coming.push({
      entry: entry.name,
      scheduledFor: late?.scheduledFor ?? next + shift,
      fireAt: dues[place]!,
    });
    const following = late !== null ? next : cadence.next(new Date(next))?.getTime() ?? Infinity;
    const copy = { entry, cadence, shift, next: following, last, irregular: null };
    copies[place] = copy;
    dues[place] = dueAt(copy);
    if (dues[place] !== Infinity) queue.add(place, dues[place]!);
  }
  return coming;
}
