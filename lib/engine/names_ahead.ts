import type { Identity } from "../wire/identity.ts";
import type { Job } from "./job.ts";

/**
 * The names of the dispatches of what is due next, made while there is time: naming is a quarter of
 * the work of a firing, so that a burst of 10,000 is less late. Kept by job, so that a reload does not
 * lose them.
 */
export class NamesAhead {
  #names = new Map<Job, Identity>();

  /** Begins with what is due at another instant. */
  clear(): void {
    if (this.#names.size > 0) this.#names = new Map();
  }

  set(job: Job, identity: Identity): void {
    this.#names.set(job, identity);
  }

  /** The name of the job's dispatch; undefined where it was not made. */
  of(job: Job): Identity | undefined {
    return this.#names.get(job);
  }
}
