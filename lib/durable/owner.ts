/**
 * Owners of jobs: the dispatcher asks an entry's owner for each occurrence whether it may fire.
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
   * Returns a function that reports, whenever it is called, whether a dispatch of the present term
   * may leave at that moment. It is the same function for a whole term.
   */
  permit(): () => boolean;
}

/** The owner of every entry of a scheduler without replicas. */
export const SOLE: Owner = { state: "held", term: null, permit: () => always };

/** The owner of an entry that this process does not fire. */
export const NOBODY: Owner = { state: "not_held", term: null, permit: () => never };

/**
 * The owner of a shard's entries: its lease, from the moment at which its checkpoints were read.
 */
export class Holding implements Owner {
  readonly shard: number;
  /**
   * The instant up to which the last holder fired everything, where it handed the shard over; else
   * null.
   */
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
