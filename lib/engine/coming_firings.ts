import { setFireAt, type Timeline } from "../schedule/timeline.ts";
import { Timetable } from "./timetable.ts";

/** One occurrence that is to come. Instants in milliseconds since the epoch. */
export interface ComingFiring {
  readonly entry: string;
  readonly scheduledFor: number;
  /** When it is to be sent by the wall clock, jitter included. */
  readonly fireAt: number;
}

/**
 * What the timelines will fire, in the order in which they will, without moving them.
 *
 * @param count how many at most
 * @param until the last instant, in milliseconds since the epoch
 */
export function comingFirings(
  timelines: readonly Timeline[],
  { count, until = Number.MAX_SAFE_INTEGER }: { count: number; until?: number },
): ComingFiring[] {
  const copies: Timeline[] = [];
  const timetable = new Timetable(timelines.map(({ fireAt }) => fireAt));
  const coming: ComingFiring[] = [];
  while (coming.length < count) {
    const place = timetable.takeDue(until);
    if (place === null) break;
    const timeline = copies[place] ??= { ...timelines[place]! };
    const { entry, cadence, next, shift, fireAt } = timeline;
    coming.push({ entry: entry.name, scheduledFor: next + shift, fireAt });
    timeline.next = cadence.next(new Date(next))?.getTime() ?? Infinity;
    setFireAt(timeline);
    if (timeline.next !== Infinity) timetable.add(place, timeline.fireAt);
  }
  return coming;
}
