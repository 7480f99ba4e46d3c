import type { Timing } from "../config/timing/timing.ts";
import { occurrencesFrom } from "../schedule/entry_cadence.ts";

/** The due times of an entry. Instants are in milliseconds since the epoch. */
export interface Recurrence {
  readonly timing: Timing;
  readonly endAt: number | null;
  /** The next due time; Infinity for never. */
  readonly next: number;
}

/** Recurrences that are due at the same instants, from `next` to `last`. */
export interface Alike<Member extends Recurrence> {
  readonly timing: Timing;
  readonly next: number;
  readonly last: number;
  readonly members: Member[];
}

/** Groups recurrences that are due at the same instants up to `until`, to find these once. */
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

/** Yields the due times of a group, in order. */
export function occurrencesOf({ timing, next, last }: Omit<Alike<Recurrence>, "members">) {
  return occurrencesFrom(timing.cadence(new Date(next)), next, last);
}
