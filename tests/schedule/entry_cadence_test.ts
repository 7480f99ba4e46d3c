/** When an entry is due, within its bounds. */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { entryCadence } from "../../lib/schedule/entry_cadence.ts";
import { begin } from "../../lib/schedule/occurrences.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";

const DAY = 86_400;
const at = (text: string) => new Date(`${text}Z`);
const text = (instant: number) =>
  instant === Infinity ? "never" : new Date(instant).toISOString().slice(0, 19);

Deno.test("an interval with start_at is due at start_at and on its grid, whenever the process starts", () => {
  const daily = { startAt: at("2026-01-01T08:00:00") };
  /** The interval, its bounds, the start of the process, the first two occurrences. */
  const rows: [number, Partial<ScheduleEntry>, string, string, string][] = [
    [DAY, daily, "2026-06-10T10:13:07", "2026-06-11T08:00:00", "2026-06-12T08:00:00"],
    [DAY, daily, "2026-06-10T08:00:00", "2026-06-11T08:00:00", "2026-06-12T08:00:00"],
    [DAY, daily, "2026-06-10T07:59:59", "2026-06-10T08:00:00", "2026-06-11T08:00:00"],
    [DAY, daily, "2025-12-24T10:13:07", "2026-01-01T08:00:00", "2026-01-02T08:00:00"],
    [DAY, daily, "2026-01-01T08:00:00", "2026-01-02T08:00:00", "2026-01-03T08:00:00"],
    [0.5, daily, "2026-01-01T07:59:59", "2026-01-01T08:00:00", "2026-01-01T08:00:00"],
    [7 * DAY, daily, "2026-06-10T10:13:07", "2026-06-11T08:00:00", "2026-06-18T08:00:00"],
    [
      DAY,
      { ...daily, endAt: at("2026-06-11T08:00:00") },
      "2026-06-10T10:13:07",
      "2026-06-11T08:00:00",
      "never",
    ],
  ];
  for (const [seconds, bounds, start, ...expected] of rows) {
    const now = at(start);
    const entry = intervalEntry("e", seconds, bounds);
    const cadence = entryCadence(entry, now);
    const first = cadence.next(now)!;
    const second = cadence.next(first)?.getTime() ?? Infinity;
    assert.deepEqual([text(first.getTime()), text(second)], expected, start);
    assert.equal(
      text(begin(entry, { now: now.getTime(), catchUp: "none" }).next),
      expected[0],
      start,
    );
  }
});

Deno.test("an interval without start_at counts from the start", () => {
  const now = at("2026-06-10T10:13:07");
  const entry = intervalEntry("e", DAY, { endAt: at("2027-01-01T00:00:00") });
  assert.equal(text(entryCadence(entry, now).next(now)!.getTime()), "2026-06-11T10:13:07");
});

Deno.test("the grid of start_at wins over what a checkpoint counted from", () => {
  const now = at("2026-06-10T10:13:07").getTime();
  const entry = intervalEntry("e", DAY, { startAt: at("2026-01-01T08:00:00") });
  const known = {
    since: now - 900_000_001,
    last: now - 3_600_000,
    isNew: false,
    startsAt: null,
    firedUntil: null,
  };
  const beginning = begin(entry, { now, known, catchUp: "none" });
  assert.equal(text(beginning.next), "2026-06-11T08:00:00");
  const missed = { ...known, last: at("2026-06-08T08:00:00").getTime() };
  const all = begin(entry, { now, known: missed, catchUp: "all" });
  assert.equal(text(all.next), "2026-06-09T08:00:00");
});

Deno.test("an interval with start_at waits, as cron does, for what it fired ahead of the clock", () => {
  const now = at("2026-06-10T10:13:07").getTime();
  const startAt = at("2026-01-01T08:00:00");
  const last = at("2026-06-12T08:00:00").getTime();
  for (
    const entry of [intervalEntry("e", DAY, { startAt }), cronEntry("e", "0 8 * * *", { startAt })]
  ) {
    const known = { since: 0, last, isNew: false, startsAt: null, firedUntil: null };
    const beginning = begin(entry, { now, known, catchUp: "none" });
    assert.deepEqual([text(beginning.next), beginning.shift], ["2026-06-13T08:00:00", 0]);
  }
});
