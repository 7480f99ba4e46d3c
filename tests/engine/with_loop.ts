import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import type { Due } from "../../lib/schedule/timeline.ts";
import { TimerLoop, type TimerLoopOptions } from "../../lib/engine/timer_loop.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import type { ManualClock } from "../../lib/time/manual_clock.ts";
import { testClock } from "../helpers/test_clock.ts";

/** When the loop starts. */
export const START = "2026-01-01T00:00:00.000Z";

/** A running loop on a manual clock, and what it found due. */
export async function withLoop(
  entries: ScheduleEntry[],
  test: (run: {
    clock: ManualClock;
    loop: TimerLoop;
    log: LogRecorder;
    dues: Due[];
    /** Entry and second of each due occurrence since START: `"a@1.5"`. */
    fired(): string[];
  }) => Promise<void>,
  onDue: (due: Due) => void = () => {},
  identify?: TimerLoopOptions["identify"],
) {
  const clock = testClock(START);
  const log = new LogRecorder();
  const dues: Due[] = [];
  const loop = new TimerLoop({
    clock,
    logger: log,
    identify,
    onDue: (due) => {
      dues.push(due);
      onDue(due);
    },
  });
  await loop.load(entries);
  const stop = new AbortController();
  const running = loop.run(stop.signal);
  const start = new Date(START).getTime();
  const fired = () =>
    dues.map(({ entry, scheduledFor }) =>
      `${entry.name}@${(scheduledFor.getTime() - start) / 1000}`
    );
  try {
    await test({ clock, loop, log, dues, fired });
  } finally {
    stop.abort();
    await running;
  }
}
