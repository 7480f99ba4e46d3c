/** What a document says of one entry. Instants in milliseconds since the epoch. */
export interface CheckpointRecord {
  readonly timing: string;
  /** When the entry was first seen with this timing: an interval counts from here. */
  readonly since: number;
  /** The occurrence that was dealt with last, of this timing or the one before. */
  readonly last: number | null;
  /** Since when a scheduler works without the entry; null where none is known to. */
  readonly absentSince: number | null;
}

/** The document that a checkpoint is a part of. */
export interface CheckpointOwner {
  /** Whether it may be written: its lease is ours. */
  readonly isOpen: boolean;
  /** Has it written with the next write. */
  touch(): void;
  /** Has it written behind. */
  changed(): void;
}

/**
 * A handle to what is remembered of one entry. It changes its document, which is written behind,
 * and does nothing once that is closed. One object per entry: there may be 100,000.
 */
export class Checkpoint {
  readonly #owner: CheckpointOwner;
  #timing: string;
  #since: number;
  /** -Infinity for none: a number that is always one is changed in place. */
  #last: number;
  #absentSince: number | null;
  /** Whether the clock was ahead, and it was set back with it. */
  #followsClock = false;
  /** `absent`: the configuration has no such entry, has it disabled, or was not compared yet. */
  #state: "new" | "begun" | "absent";

  constructor(
    owner: CheckpointOwner,
    { timing, since, last, absentSince }: CheckpointRecord,
    { isNew }: { isNew: boolean },
  ) {
    this.#owner = owner;
    this.#timing = timing;
    this.#since = since;
    this.#last = last ?? -Infinity;
    this.#absentSince = absentSince;
    this.#state = isNew ? "new" : "absent";
  }

  /** The text that is stored. */
  get timing(): string {
    return this.#timing;
  }

  /** When the entry was first seen with this timing, which an interval counts from. */
  get since(): number {
    return this.#since;
  }

  /** The occurrence that was dealt with last. */
  get last(): number | null {
    return this.#last === -Infinity ? null : this.#last;
  }

  /**
   * Whether the entry begins: nothing was remembered of it with this timing, or a scheduler worked
   * without it meanwhile. Until {@link Checkpoint.begun} is called.
   */
  get isNew(): boolean {
    return this.#state === "new";
  }

  /** Since when a scheduler works without the entry; null where none is known to. */
  get absentSince(): number | null {
    return this.#absentSince;
  }

  /** The job has begun. To be called in the step in which it begins, and not before. */
  begun(): void {
    if (this.#state === "new") this.#state = "begun";
  }

  /**
   * Notes that everything up to this occurrence has been dealt with.
   *
   * @param shift how far the clock was set back while the entry's interval counted on, 0 or less:
   * its instants lie ahead of the clock by that, and what follows the clock must not
   */
  done(scheduledFor: number, shift = 0): void {
    const instant = this.#followsClock ? scheduledFor + shift : scheduledFor;
    if (!this.#owner.isOpen || this.#last >= instant) return;
    this.#last = instant;
    this.#owner.changed();
  }

  /**
   * Makes the phase of an interval that runs already the one that is remembered.
   *
   * @param since what it counts from
   * @param last its occurrence that was dealt with last, if any; an earlier one than is remembered
   * changes nothing
   */
  anchor(since: number, last: number | null): void {
    if (!this.#owner.isOpen) return;
    this.#since = since;
    this.#last = Math.max(this.#last, last ?? -Infinity);
    this.#owner.changed();
  }

  /** Follows a clock that was set back: what it said before is not believed any more. */
  reset(last: number | null, since: number = this.#since): void {
    if (!this.#owner.isOpen) return;
    this.#followsClock = true;
    this.#since = since;
    this.#last = last ?? -Infinity;
    this.#owner.changed();
  }

  /** The configuration has the entry, and it begins: it is new, or was changed, or was absent. */
  begin(timing: string, now: number): void {
    this.#timing = timing;
    this.#since = now;
    this.#absentSince = null;
    this.#state = "new";
    this.#owner.touch();
  }

  /** The configuration has the entry, with the same timing in perhaps other words. */
  goOn(timing: string): void {
    if (this.#state === "absent") this.#state = "begun";
    if (this.#timing === timing) return;
    this.#timing = timing;
    this.#owner.touch();
  }

  /**
   * The configuration has no such entry, or has it disabled.
   *
   * @param since the instant to mark it with, if it is not marked yet; null for not marking it
   */
  leave(since: number | null): void {
    this.#state = "absent";
    if (since === null || this.#absentSince !== null) return;
    this.#absentSince = since;
    this.#owner.touch();
  }

  /** Takes over what another has written meanwhile: whoever saw more of the entry is right. */
  merge({ timing, since, last, absentSince }: CheckpointRecord): void {
    this.#last = Math.max(this.#last, last ?? -Infinity);
    if (this.#absentSince !== null && since >= this.#absentSince) {
      // They began it anew after it had left our file.
      this.#timing = timing;
      this.#since = since;
      this.#absentSince = absentSince;
    } else if (timing === this.#timing && !(absentSince !== null && this.#since >= absentSince)) {
      this.#since = Math.min(this.#since, since);
      if (this.#state === "absent") this.#absentSince = earliest(this.#absentSince, absentSince);
    }
  }

  /** Whether it may be removed: it is marked, and everything in it is older than `limit`. */
  isForgotten(limit: number): boolean {
    return this.#absentSince !== null && Math.max(this.#since, this.#last) < limit;
  }

  /** Returns what is stored: a list, since ten thousand entries may be written each second. */
  toList(): unknown[] {
    const list = [this.#timing, this.#since, this.last];
    return this.#absentSince === null ? list : [...list, this.#absentSince];
  }
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b < a) ? b : a;
}
