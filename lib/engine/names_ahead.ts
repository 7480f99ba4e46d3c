import type { Identity } from "../wire/identity.ts";
import type { Job } from "./job.ts";

/**
 * The identities of the next due dispatches, made ahead: naming is a quarter of the work of a
 * firing, so a burst of 10,000 is less late. They are kept by job, so that a reload keeps them.
 */
export class NamesAhead {
  #names = new Map<Job, Identity>();

  /** Removes all, before those of another instant are made. */
  clear(): void {
    if (this.#names.size > 0) this.#names = new Map();
  }

  set(job: Job, identity: Identity): void {
    this.#names.set(job, identity);
  }

  /** Returns the identity of the job's dispatch; undefined where it was not made. */
  of(job: Job): Identity | undefined {
    return this.#names.get(job);
  }
}
