/**
 * Entries that go on firing while a reload makes the next ones ready, in slices: whatever comes
 * first, each occurrence fires once.
 */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";
import { RacingClock } from "../helpers/racing_clock.ts";
import { withEngine } from "./with_engine.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const SEEDS = 12;
/** Work on so many takes several slices. */
const ENTRIES = 300;

const many = (make: (name: string) => ScheduleEntry) =>
  Array.from({ length: ENTRIES }, (_, index) => make(`e${index}`));

const cron = (overrides = {}) => (name: string) => cronEntry(name, "* * * * * *", overrides);
const startAt = new Date(START - 3_600_000);

/** What is reloaded: before and after. Each is due each second, whichever file is in use. */
const CHANGES: Record<string, [ScheduleEntry[], ScheduleEntry[]]> = {
  "another end_at": [many(cron()), many(cron({ endAt: new Date(START + 86_400_000) }))],
  "jitter that is less than a millisecond": [many(cron()), many(cron({ jitterSeconds: 0.001 }))],
  "other words for the same": [many(cron()), many((name) => cronEntry(name, "*/1  * * * * *"))],
  "an interval on the same grid": [
    many(cron()),
    many((name) => intervalEntry(name, 1, { startAt })),
  ],
  "another expression that names every second": [
    many(cron()),
    many((name) => cronEntry(name, "0-59 */1 * * * *")),
  ],
  "another payload": [many(cron()), many(cron({ expandTimeoutSeconds: 5 }))],
  "the same file": [many(cron()), many(cron())],
  "the order of the file": [many(cron()), many(cron()).reverse()],
};

/** The reload begins so long before or after a due instant, in milliseconds. */
const OFFSETS = [-30, -15, -7, -2, 0, 3];

for (const [change, [before, after]] of Object.entries(CHANGES)) {
  Deno.test(`each occurrence fires exactly once around a reload that changes ${change}`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const clock = new RacingClock(START, seed);
      await withEngine({ clock, entries: before }, async ({ reload, fired }) => {
        await clock.advance(2000 + OFFSETS[seed % OFFSETS.length]!);
        await Promise.all([reload(after), clock.advance(3500)]);
        await clock.advance(1000);
        const times = new Map<string, number>();
        for (const each of fired()) times.set(each, (times.get(each) ?? 0) + 1);
        for (const { name } of before) {
          const seconds = [1, 2, 3, 4, 5, 6].map((second) => {
            const count = times.get(`${name}@${START / 1000 + second}`) ?? 0;
            return `${second}: ${count}`;
          });
          const expected = [1, 2, 3, 4, 5, 6].map((second) => `${second}: 1`);
          assert.deepEqual(seconds, expected, `${name}, seed ${seed}`);
        }
      });
    }
  });
}
