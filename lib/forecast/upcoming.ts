import { type ComingFiring, comingFirings } from "../engine/coming_firings.ts";
import type { Repeating } from "./day_ahead.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import { beginTimeline, type Timeline } from "../schedule/timeline.ts";

/**
 * What a scheduler that starts at `from` would fire, without running anything. Intervals count from
 * there, but for those that have a `start_at`.
 */
export class Upcoming {
  readonly #timelines: readonly Timeline[];

  /** @param from milliseconds since the epoch; what is due at this very instant has passed */
  constructor(entries: readonly ScheduleEntry[], from: number) {
    // What run_on_start fires is no part of the schedule.
    this.#timelines = entries.map((entry) =>
      beginTimeline({ ...entry, runOnStart: false, jitterSeconds: 0 }, { now: from })
    );
  }

  /** In due order, then file order. */
  firings(options: { count: number; until?: number }): ComingFiring[] {
    return comingFirings(this.#timelines, options);
  }

  /** Those that will not fire, and why. */
  silent(): { entry: string; reason: "disabled" | "exhausted" }[] {
    return this.#timelines.filter(({ next }) => next === Infinity).map(({ entry }) => ({
      entry: entry.name,
      reason: entry.enabled ? "exhausted" : "disabled",
    }));
  }

  *repeating(): Generator<Repeating> {
    for (const { entry, next } of this.#timelines) {
      const { cron, timezone, intervalSeconds } = entry;
      yield { cron, timezone, intervalSeconds, endAt: entry.endAt?.getTime() ?? null, next };
    }
  }
}
