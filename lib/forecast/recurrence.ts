import type { Timing } from "../config/timing/timing.ts";
import { occurrencesFrom } from "../schedule/entry_cadence.ts";

/** One entry, as far as it says when it is due. Instants in milliseconds since the epoch. */
export interface Recurrence {
  readonly timing: Timing;
  readonly endAt: number | null;
  /** When it is due next; Infinity for never. */
  readonly next: number;
}

/** Recurrences that are due at the same instants, from `next` to `last`. */
export interface Alike<Member extends Recurrence> {
  readonly timing: Timing;
  readonly next: number;
  readonly last: number;
  readonly members: Member[];
}

/** Puts together what is due at the same instants up to `until`, so that these are found once. */
export function alike<Member extends Recurrence>(
  recurrences: Iterable<Member>,
  until: number,
): Iterable<Alike<Member>> {
  const groups = new Map<string, Alike<Member>>();
  for (const member of recurrences) {
    const { timing, next, endAt } = member;
    if (next > until) continue;
    const last = Math.min(endAt ?? Infinity, until);
    const key = `${timing.text} ${next} ${last}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { timing, next, last, members: [member] });
    else group.members.push(member);
  }
  return groups.values();
}

/** Yields when they are due, in order. */
export function occurrencesOf({ timing, next, last }: Omit<Alike<Recurrence>, "members">) {
  return occurrencesFrom(timing.cadence(new Date(next)), next, last);
}
