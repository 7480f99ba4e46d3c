/** The part of a document that belongs to one entry. Instants are milliseconds since the epoch. */
export interface CheckpointRecord {
  readonly timing: string;
  /** The instant at which the entry was first seen with this timing; an interval counts from it. */
  readonly since: number;
  /** The last occurrence that was dealt with, of this timing or an earlier one. */
  readonly last: number | null;
  /** The instant from which a scheduler ran without the entry; null where none is known to. */
  readonly absentSince: number | null;
}

/** The document that a checkpoint is a part of. */
export interface CheckpointOwner {
  /** True while it may be written, since this replica holds its lease. */
  readonly isOpen: boolean;
  /** Marks it to be written with the next write. */
  touch(): void;
  /** Marks it, and has it written soon. */
  changed(): void;
}

/**
 * A handle to the checkpoint of one entry. It changes its document, which is written later, and
 * does nothing once that is closed. There is one object per entry, and there may be 100,000.
 */
export class Checkpoint {
  readonly #owner: CheckpointOwner;
  #timing: string;
  #since: number;
  /** -Infinity stands for none, since a field that always holds a number is changed in place. */
  #last: number;
  #absentSince: number | null;
  /** True once the clock was ahead and this checkpoint was set back with it. */
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

  /** The instant at which the entry was first seen with this timing; an interval counts from it. */
  get since(): number {
    return this.#since;
  }

  /** The last occurrence that was dealt with. */
  get last(): number | null {
    return this.#last === -Infinity ? null : this.#last;
  }

  /**
   * True where the entry begins, until {@link Checkpoint.begun} is called: there was no checkpoint
   * with this timing, or a scheduler ran without the entry meanwhile.
   */
  get isNew(): boolean {
    return this.#state === "new";
  }

  /** The instant from which a scheduler ran without the entry; null where none is known to. */
  get absentSince(): number | null {
    return this.#absentSince;
  }

  /** Notes that the job has begun. To be called in the synchronous step in which it begins. */
  begun(): void {
    if (this.#state === "new") this.#state = "begun";
  }

  /**
   * Notes that everything up to this occurrence has been dealt with.
   *
   * @param shift how far the clock was set back while the entry's interval counted on, 0 or less.
   * The interval's instants lie ahead of the clock by that, and a checkpoint that follows the clock
   * must not
   */
  done(scheduledFor: number, shift = 0): void {
    const instant = this.#followsClock ? scheduledFor + shift : scheduledFor;
    if (!this.#owner.isOpen || this.#last >= instant) return;
    this.#last = instant;
    this.#owner.changed();
  }

  /**
   * Takes over the phase of an interval that runs already.
   *
   * @param since the instant that it counts from
   * @param last its last occurrence that was dealt with, if any; one that is earlier than the
   * checkpoint's changes nothing
   */
  anchor(since: number, last: number | null): void {
    if (!this.#owner.isOpen) return;
    this.#since = since;
    this.#last = Math.max(this.#last, last ?? -Infinity);
    this.#owner.changed();
  }

  /** Follows a clock that was set back, and drops the instants that it showed before. */
  reset(last: number | null, since: number = this.#since): void {
    if (!this.#owner.isOpen) return;
    this.#followsClock = true;
    this.#since = since;
    this.#last = last ?? -Infinity;
    this.#owner.changed();
  }

  /** Begins the entry: it is new in the configuration, or was changed, or was absent. */
  begin(timing: string, now: number): void {
    this.#timing = timing;
    this.#since = now;
    this.#absentSince = null;
    this.#state = "new";
    this.#owner.touch();
  }

  /** Goes on with the entry, whose timing means the same, perhaps in other words. */
  goOn(timing: string): void {
    if (this.#state === "absent") this.#state = "begun";
    if (this.#timing === timing) return;
    this.#timing = timing;
    this.#owner.touch();
  }

  /**
   * Notes that the configuration has no such entry, or has it disabled.
   *
   * @param since the instant from which it counts as absent, unless it does already; null to leave
   * that open
   */
  leave(since: number | null): void {
    this.#state = "absent";
    if (since === null || this.#absentSince !== null) return;
    this.#absentSince = since;
    this.#owner.touch();
  }

  /**
   * Merges what another replica has written meanwhile: the one that saw more of the entry is right.
   */
  merge({ timing, since, last, absentSince }: CheckpointRecord): void {
    this.#last = Math.max(this.#last, last ?? -Infinity);
    if (this.#absentSince !== null && since >= this.#absentSince) {
      // The other one began it as new after it had left our file.
      this.#timing = timing;
      this.#since = since;
      this.#absentSince = absentSince;
    } else if (timing === this.#timing && !(absentSince !== null && this.#since >= absentSince)) {
      this.#since = Math.min(this.#since, since);
      if (this.#state === "absent") this.#absentSince = earliest(this.#absentSince, absentSince);
    }
  }

  /**
   * Reports whether it may be removed: the entry is absent, and every instant is before `limit`.
   */
  isForgotten(limit: number): boolean {
    return this.#absentSince !== null && Math.max(this.#since, this.#last) < limit;
  }

  /** Returns the stored form: a list, since ten thousand entries may be written each second. */
  toList(): unknown[] {
    const list = [this.#timing, this.#since, this.last];
    return this.#absentSince === null ? list : [...list, this.#absentSince];
  }
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b < a) ? b : a;
}
