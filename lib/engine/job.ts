import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { Checkpoint } from "../durable/checkpoint.ts";
import { NOBODY, type Owner } from "../durable/owner.ts";
import type { Irregular, Position } from "../schedule/occurrences.ts";
import type { Cadence } from "../time/cadence.ts";
import type { Firing } from "./firing.ts";
import type { JobHistory } from "./history.ts";
import type { WaitingList } from "./waiting_list.ts";

/** The running firing and the waiting occurrences of a job; an idle job has none. */
export interface Activity {
  running: Firing | null;
  waiting: WaitingList | null;
}

/**
 * The state of one entry at run time: one object for a name, for as long as the name is in the
 * file. Its due time is in the table's queue.
 */
export class Job implements Position {
  /** Replaced by a reload. */
  entry: ScheduleEntry;
  /** {@link NOBODY} while this process does not fire it. */
  owner: Owner = NOBODY;
  // The fields of Position. Instants are numbers, since Dates would double the size of an idle job.
  cadence: Cadence = NEVER;
  shift = 0;
  next = Infinity;
  last = -Infinity;
  irregular: Irregular | null = null;
  activity: Activity | null = null;
  /** Null until the first firing ends. */
  history: JobHistory | null = null;
  /** Null where no checkpoints are kept, or it has not been read. */
  checkpoint: Checkpoint | null = null;

  constructor(entry: ScheduleEntry) {
    this.entry = entry;
  }

  get name(): string {
    return this.entry.name;
  }

  get running(): Firing | null {
    return this.activity?.running ?? null;
  }

  /** The number of waiting occurrences. */
  get waits(): number {
    return this.activity?.waiting?.size ?? 0;
  }

  /**
   * The next time at which it fires here, by the wall clock, without jitter; Infinity for never, and
   * while the lease has lapsed.
   */
  get nextDue(): number {
    const { state, term } = this.owner;
    return state === "lapsed" && term !== null ? Infinity : this.next + this.shift;
  }
}

const NEVER: Cadence = { next: () => null };

/** Reports whether every occurrence of the job fires, in order, and a newer one supersedes none. */
export function firesEach({ entry, checkpoint }: Job): boolean {
  return entry.catchUp === "all" && checkpoint !== null;
}
