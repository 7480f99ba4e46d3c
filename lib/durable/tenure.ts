import type { LeaseState } from "./lease.ts";

/** Who may fire an entry, as a dispatcher asks it for each occurrence. */
export interface Tenure {
  state(entryName: string): LeaseState;
  /** Of the lease; null without leases. */
  term(entryName: string): number | null;
  /**
   * Tells, whenever it is asked, whether a dispatch of the entry that was made in the term of now
   * may leave at that moment. The same function for all entries of a shard in a term.
   */
  permit(entryName: string): () => boolean;
}

/** Of a scheduler that is alone. */
export const SOLE_TENURE: Tenure = {
  state: () => "held",
  term: () => null,
  permit: () => always,
};

function always(): boolean {
  return true;
}
