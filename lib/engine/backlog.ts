import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Due } from "../schedule/timeline.ts";

/**
 * Occurrences of one entry that are all to be fired, oldest first. As numbers: while a server is
 * away, there may be a thousand for each of ten thousand entries.
 */
export class Backlog {
  #entry: ScheduleEntry | null = null;
  /** Due instant and time of firing of each, in milliseconds since the epoch. */
  readonly #instants: number[] = [];
  #first = 0;

  get size(): number {
    return (this.#instants.length - this.#first) / 2;
  }

  push({ entry, scheduledFor, fireAt }: Due): void {
    this.#entry = entry;
    this.#instants.push(scheduledFor.getTime(), fireAt);
  }

  shift(): Due | null {
    if (this.size === 0) return null;
    const scheduledFor = new Date(this.#instants[this.#first]!);
    const fireAt = this.#instants[this.#first + 1]!;
    this.#first += 2;
    if (this.#first > this.#instants.length / 2) {
      this.#instants.splice(0, this.#first);
      this.#first = 0;
    }
    return { entry: this.#entry!, scheduledFor, fireAt };
  }

  clear(): void {
    this.#instants.length = this.#first = 0;
  }
}
