import { type ComingFiring, comingFirings } from "../engine/coming_firings.ts";
import type { Recurrence } from "./recurrence.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { begin, type Position } from "../schedule/occurrences.ts";

/**
 * Computes what a scheduler that starts at `from` would fire, without running it. Intervals without
 * a `start_at` count from there.
 */
export class Upcoming {
  readonly #from: number;
  readonly #positions: readonly Position[];
  /** The instants at which occurrences from before `from` are sent, by the entry's name. */
  readonly #pending = new Map<string, number>();

  /** @param from milliseconds since the epoch; an occurrence at this instant has passed */
  constructor(entries: readonly ScheduleEntry[], from: number) {
    this.#positions = entries.map((entry) => {
      // A firing of run_on_start is not part of the schedule.
      const beginning = begin({ ...entry, runOnStart: false }, { now: from, catchUp: "none" });
      const { cadence, shift, next, last, fireAt } = beginning;
      // It has passed, and its jitter still delays it.
      if (next <= from) this.#pending.set(entry.name, fireAt);
      return { entry: { ...entry, jitterSeconds: 0 }, cadence, shift, next, last, irregular: null };
    });
    this.#from = from;
  }

  /** Returns the next firings by their due instants, without jitter, then in file order. */
  firings(options: { count: number; until?: number }): ComingFiring[] {
    return this.#firingsOf(this.#positions, options);
  }

  /** Returns the next firing of each entry, in the order of {@link Upcoming.firings}. */
  firstOfEach(until?: number): ComingFiring[] {
    return this.#positions.flatMap((position) => this.#firingsOf([position], { count: 1, until }))
      .sort((a, b) => a.scheduledFor - b.scheduledFor);
  }

  #firingsOf(
    positions: readonly Position[],
    options: { count: number; until?: number },
  ): ComingFiring[] {
    return comingFirings(positions, options).map((firing) =>
      firing.scheduledFor > this.#from
        ? firing
        : { ...firing, fireAt: this.#pending.get(firing.entry)! }
    );
  }

  /** Returns the entries that will not fire, and the reasons. */
  silent(): { entry: string; reason: "disabled" | "exhausted" }[] {
    return this.#positions.filter(({ next }) => next === Infinity).map(({ entry }) => ({
      entry: entry.name,
      reason: entry.enabled ? "exhausted" : "disabled",
    }));
  }

  *recurrences(): Generator<Recurrence> {
    for (const { entry, next } of this.#positions) {
      yield { timing: entry.timing, endAt: entry.endAt?.getTime() ?? null, next };
    }
  }
}
