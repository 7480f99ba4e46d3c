import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import type { Job } from "../../lib/engine/job.ts";
import { ALONE, JobTable } from "../../lib/engine/job_table.ts";
import { NamesAhead } from "../../lib/engine/names_ahead.ts";
import { TimerLoop } from "../../lib/engine/timer_loop.ts";
import type { Due } from "../../lib/schedule/occurrences.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import type { Identity } from "../../lib/wire/identity.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { testClock } from "../helpers/test_clock.ts";

/** When the loop starts. */
export const START = "2026-01-01T00:00:00.000Z";

/** One occurrence that the loop found due. */
export interface FoundDue {
  entry: ScheduleEntry;
  scheduledFor: Date;
  fireAt: number;
  passedOverSince?: Date;
  /** The name that was made ahead of time for the job's dispatch. */
  identity?: Identity;
}

/** A running loop on a manual clock, and what it found due. */
export async function withLoop(
  entries: ScheduleEntry[],
  test: (run: {
    clock: ManualClock;
    table: JobTable;
    loop: TimerLoop;
    log: LogRecorder;
    dues: FoundDue[];
    /** Replaces the entries, as a reload does. */
    load(entries: readonly ScheduleEntry[]): Promise<void>;
    /** Entry and second of each due occurrence since START: `"a@1.5"`. */
    fired(): string[];
    /** When each entry is due next, in file order; null for never. */
    nextFires(): (Date | null)[];
  }) => Promise<void>,
  { onDue = () => {}, nameAhead, clock = testClock(START) }: {
    onDue?(job: Job, due: Due): void;
    nameAhead?(job: Job, scheduledFor: number): Identity;
    clock?: ManualClock;
  } = {},
) {
  const log = new LogRecorder();
  const dues: FoundDue[] = [];
  const names = new NamesAhead();
  const table = new JobTable({ clock, logger: log });
  const loop = new TimerLoop({
    clock,
    logger: log,
    table,
    naming: nameAhead && {
      names,
      nameAhead: (job, due) => names.set(job, nameAhead(job, due)),
    },
    onDue: (job, due) => {
      dues.push({
        entry: job.entry,
        scheduledFor: new Date(due.scheduledFor),
        fireAt: due.fireAt,
        ...(due.passedOverSince !== null && { passedOverSince: new Date(due.passedOverSince) }),
        identity: names.of(job),
      });
      onDue(job, due);
    },
  });
  const load = async (entries: readonly ScheduleEntry[]) => {
    loop.watchClock();
    const draft = await table.prepare(entries, ALONE);
    loop.watchClock();
    table.swap(draft, ALONE);
    loop.wake();
  };
  await load(entries);
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  const start = new Date(START).getTime();
  const fired = () =>
    dues.map(({ entry, scheduledFor }) =>
      `${entry.name}@${(scheduledFor.getTime() - start) / 1000}`
    );
  const nextFires = () =>
    table.jobs.map(({ nextDue }) => nextDue === Infinity ? null : new Date(nextDue));
  try {
    await test({ clock, table, loop, log, dues, load, fired, nextFires });
  } finally {
    stop.abort();
    await running;
  }
}
