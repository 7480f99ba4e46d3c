/**
 * Who may fire an entry, as the dispatcher asks it for each occurrence.
 *
 * @module
 */
import type { Lease, LeaseState } from "./lease.ts";

/** The state of the lease; without leases `held`. */
export type OwnerState = LeaseState;

export interface Owner {
  readonly state: OwnerState;
  /** The lease's term; null without leases. */
  readonly term: number | null;
  /**
   * Returns a function that tells, whenever it is called, whether a dispatch that was made in the
   * term of now may leave at that moment. It is the same function for a whole term.
   */
  permit(): () => boolean;
}

/** The owner of every entry of a scheduler that shares them with nobody. */
export const SOLE: Owner = { state: "held", term: null, permit: () => always };

/** The owner of an entry that this process does not fire. */
export const NOBODY: Owner = { state: "not_held", term: null, permit: () => never };

/** The lease of a shard from the moment at which its checkpoints have been read. */
export class Holding implements Owner {
  readonly shard: number;
  /** Up to when the holder before fired everything, where it handed the shard over; else null. */
  readonly firedUntil: number | null;
  readonly #lease: Lease;
  #permit = never;
  #permitTerm: number | null = null;

  constructor(shard: number, lease: Lease, firedUntil: number | null) {
    this.shard = shard;
    this.firedUntil = firedUntil;
    this.#lease = lease;
  }

  get state(): OwnerState {
    return this.#lease.state;
  }

  get term(): number | null {
    return this.#lease.term;
  }

  permit(): () => boolean {
    const lease = this.#lease;
    const { term } = lease;
    if (term !== this.#permitTerm) {
      this.#permitTerm = term;
      this.#permit = () => lease.term === term && lease.isValid;
    }
    return this.#permit;
  }
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}
