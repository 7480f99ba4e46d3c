import type { Clock } from "../time/clock.ts";
import type { Lease } from "./lease.ts";
import type { Presence } from "./presence.ts";

/** Who holds a lease, asked for at this moment: what the bucket says may be a TTL old. */
export type Witness =
  | { readonly holder: "us" }
  /** Another replica, which is there; or it is not known yet who. */
  | { readonly holder: "another" }
  | {
    readonly holder: "nobody";
    /** Who held it last, where that one does not answer: it may have died, or only stand still. */
    readonly silent: string | null;
    /** When somebody else can have it, in milliseconds since the epoch. */
    readonly until: number;
  };

/** How long a holder has to say that it is there. */
const HEAR_TIMEOUT_MS = 1000;
/** The least time that it takes until a lease that nobody holds is taken. */
const MIN_ACQUISITION_MS = 1000;

export interface WitnessOptions {
  shard: number;
  presence: Pick<Presence, "hear">;
  clock: Clock;
}

/** Finds out who holds the lease; asks its holder where that is another replica. */
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
    const said = await presence.hear(holder, HEAR_TIMEOUT_MS);
    if (said?.leases.includes(shard)) return { holder: "another" };
    asked = holder;
    silent = said === null ? holder : null;
  }
}
