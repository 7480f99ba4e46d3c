import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { Checkpoint } from "../../lib/durable/checkpoint.ts";
import { SOLE } from "../../lib/durable/owner.ts";
import { Job } from "../../lib/engine/job.ts";
import type { Due } from "../../lib/schedule/occurrences.ts";

/** A job that this process fires, as a table would have made it; one for each entry's name. */
export function jobMaker(make: (job: Job) => void = () => {}): (entry: ScheduleEntry) => Job {
  const jobs = new Map<string, Job>();
  return (entry) => {
    let job = jobs.get(entry.name);
    if (job === undefined) {
      job = new Job(entry);
      job.owner = SOLE;
      make(job);
      jobs.set(entry.name, job);
    }
    job.entry = entry;
    return job;
  };
}

/** A checkpoint that tells what is noted in it. */
export function checkpointThat(note: (scheduledFor: number) => void): Checkpoint {
  const record = { timing: "", since: 0, last: null, absentSince: null };
  const owner = { isOpen: true, touch() {}, changed: () => note(checkpoint.last!) };
  const checkpoint = new Checkpoint(owner, record, { isNew: false });
  return checkpoint;
}

/** An occurrence that is due at this instant, in milliseconds since the epoch. */
export function dueAt(scheduledFor: number, more: Partial<Due> = {}): Due {
  return { scheduledFor, fireAt: scheduledFor, passedOverSince: null, isSpread: false, ...more };
}
