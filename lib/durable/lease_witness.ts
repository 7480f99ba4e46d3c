import type { Clock } from "../time/clock.ts";
import type { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";

/** The answer to who holds a lease at this moment; the record in the bucket may be a TTL old. */
export type Witness =
  | { readonly holder: "us" }
  /** Another replica, which answers; or it is not known yet. */
  | { readonly holder: "another" }
  | {
    readonly holder: "nobody";
    /** The last holder, where it does not answer: it may have died, or only be stopped. */
    readonly silent: string | null;
    /** The instant from which another replica can take it, in milliseconds since the epoch. */
    readonly until: number;
  };

/** The time that a holder has to announce itself. */
const ANSWER_TIMEOUT_MS = 1000;
/** The least time that it takes until a lease that nobody holds is taken. */
const MIN_ACQUISITION_MS = 1000;

export interface WitnessOptions {
  shard: number;
  presence: Pick<Presence, "ask">;
  clock: Clock;
}

/** Finds out who holds the lease, and asks its holder where that is another replica. */
export async function witness(
  lease: Lease,
  { shard, presence, clock }: WitnessOptions,
): Promise<Witness> {
  let asked: string | null = null;
  let silent: string | null = null;
  for (;;) {
    if (lease.state !== "not_held") return { holder: "us" };
    if (!lease.isKnown) return { holder: "another" };
    const { holder } = lease;
    if (holder === null || holder === asked) {
      const left = Math.max(lease.expiresAt - clock.monotonic(), MIN_ACQUISITION_MS);
      return {
        holder: "nobody",
        silent: holder === null ? null : silent,
        until: clock.now() + left,
      };
    }
    const said = await presence.ask(holder, ANSWER_TIMEOUT_MS);
    if (said?.leases.includes(shard)) return { holder: "another" };
    asked = holder;
    silent = said === null ? holder : null;
  }
}
