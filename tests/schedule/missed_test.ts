/**
 * The one meaning of "missed": what fires first, what is reported, and what comes next, by the
 * checkpoint, the entry and the clock; and how what is late is spread. All on one day, at 12:00:30.5.
 */
import assert from "node:assert/strict";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import { jitter } from "../../lib/schedule/jitter.ts";
import {
  advance,
  begin,
  type Beginning,
  type Due,
  dueAt,
  type Known,
  MAX_COUNTED,
  type Position,
  spread,
  takeSpread,
} from "../../lib/schedule/occurrences.ts";
import type { CatchUp } from "../../lib/wire/vocabulary.ts";
import { cronEntry, intervalEntry } from "../helpers/entries.ts";

const ms = (time: string) => Date.parse(`2026-01-01T${time}Z`);
const NOW = ms("12:00:30.500");

/** The time of day; `12:00:40`, or with milliseconds where there are any. */
function time(instant: number): string {
  if (instant === Infinity) return "never";
  const text = new Date(instant).toISOString();
  assert.equal(text.slice(0, 11), "2026-01-01T", text);
  return text.slice(11, -1).replace(".000", "");
}

/** `12:00:00 at 12:00:47.081 for 11:59:00`: when it was due, is sent, and what it stands for. */
function textOf({ scheduledFor, fireAt, passedOverSince }: Due): string {
  const at = fireAt === scheduledFor ? "" : ` at ${time(fireAt)}`;
  return time(scheduledFor) + at +
    (passedOverSince === null ? "" : ` for ${time(passedOverSince)}`);
}

/** What the checkpoint says, as times of the day. */
interface Remembered {
  since?: string;
  last?: string;
  isNew?: boolean;
  startsAt?: string;
  firedUntil?: string;
}

function knownOf({ since = "11:00:00", last, isNew = false, startsAt, firedUntil }: Remembered) {
  const instant = (text: string | undefined) => text === undefined ? null : ms(text);
  const known: Known = {
    since: ms(since),
    last: instant(last),
    isNew,
    startsAt: instant(startsAt),
    firedUntil: instant(firedUntil),
  };
  return known;
}

interface Row {
  name: string;
  entry: ScheduleEntry;
  /** Default: null, nothing is remembered. */
  known?: Remembered;
  /** The occurrence that the entry's job fired last, where it goes on. */
  oldLast?: string;
  now?: number;
  /** The first three. */
  fires: string[];
  /** Default: nothing is. */
  missed?: string;
}

type Found = Pick<Row, "entry" | "known" | "oldLast" | "now">;

function begun({ entry, known, oldLast, now = NOW }: Found): Beginning {
  const last = oldLast === undefined ? null : ms(oldLast);
  const old: Position | null = last === null ? null : {
    entry,
    cadence: { next: () => null },
    shift: 0,
    next: Infinity,
    last,
    irregular: null,
  };
  const catchUp = entry.catchUp ?? "none";
  return begin(entry, { now, old, known: known === undefined ? null : knownOf(known), catchUp });
}

/** The first three occurrences, each taken as soon as it is to be sent. */
function firings(beginning: Beginning, { now, each }: { now: number; each: boolean }): string[] {
  const dues: string[] = [];
  let { fireAt } = beginning;
  while (dues.length < 3 && fireAt !== Infinity) {
    dues.push(textOf(advance(beginning, { now: Math.max(now, fireAt), fireAt, firesEach: each })));
    fireAt = dueAt(beginning);
  }
  return dues;
}

/** `2: 12:00:10 to 12:00:20`, or undefined where nothing is. */
function reported({ missed }: Beginning): string | undefined {
  return missed === null
    ? undefined
    : `${missed.count}: ${time(missed.first)} to ${time(missed.last)}`;
}

function check(rows: readonly Row[]): void {
  for (const row of rows) {
    const beginning = begun(row);
    assert.equal(reported(beginning), row.missed, row.name);
    const each = row.entry.catchUp === "all";
    assert.deepEqual(firings(beginning, { now: row.now ?? NOW, each }), row.fires, row.name);
  }
}

/** Due at :00, :10, :20, … */
const tens = (catchUp: CatchUp, more = {}) =>
  cronEntry("tens", "*/10 * * * * *", { catchUp, ...more });
/** Each minute, up to 50 s later. */
const jittered = (name: string, catchUp: CatchUp, more = {}) =>
  cronEntry(name, "0 * * * * *", { jitterSeconds: 50, catchUp, ...more });
const grace = (misfireGraceSeconds: number) => ({ misfireGraceSeconds });

Deno.test("how much of what was missed fires, and how much is reported", () => {
  const known = { last: "12:00:00" };
  check([
    {
      name: "none of it",
      entry: tens("none"),
      known,
      fires: ["12:00:40", "12:00:50", "12:01:00"],
      missed: "3: 12:00:10 to 12:00:30",
    },
    {
      name: "the latest",
      entry: tens("one"),
      known,
      fires: ["12:00:30", "12:00:40", "12:00:50"],
      missed: "2: 12:00:10 to 12:00:20",
    },
    {
      name: "the latest, where it is the only one",
      entry: tens("one"),
      known: { last: "12:00:20" },
      fires: ["12:00:30", "12:00:40", "12:00:50"],
    },
    {
      name: "all of it",
      entry: tens("all"),
      known,
      fires: ["12:00:10", "12:00:20", "12:00:30"],
    },
  ]);
});

Deno.test("what was missed counts from the last occurrence, or since the entry is known", () => {
  const rest = ["12:00:40", "12:00:50", "12:01:00"];
  check([
    {
      name: "it never fired",
      entry: tens("none"),
      known: { since: "12:00:15" },
      fires: rest,
      missed: "2: 12:00:20 to 12:00:30",
    },
    {
      name: "an occurrence at the very instant is not later",
      entry: tens("none"),
      known: { since: "12:00:20" },
      fires: rest,
      missed: "1: 12:00:30 to 12:00:30",
    },
    {
      name: "it fired before it had this timing",
      entry: tens("all"),
      known: { since: "12:00:25", last: "11:00:00" },
      fires: ["12:00:30", "12:00:40", "12:00:50"],
    },
    {
      name: "it is new: it was out of the file, or had another timing",
      entry: tens("all"),
      known: { since: "11:59:00", last: "11:00:00", isNew: true },
      fires: rest,
    },
    { name: "nothing was missed", entry: tens("none"), known: { last: "12:00:30" }, fires: rest },
    { name: "nothing is remembered", entry: tens("all"), fires: rest },
    {
      name: "its job goes on, and knows better",
      entry: tens("all"),
      known: { last: "12:00:00" },
      oldLast: "12:00:20",
      fires: ["12:00:30", "12:00:40", "12:00:50"],
    },
    {
      name: "another machine's clock was ahead",
      entry: tens("one"),
      known: { last: "12:00:50" },
      fires: ["12:01:00", "12:01:10", "12:01:20"],
    },
    { name: "disabled", entry: tens("all", { enabled: false }), known: {}, fires: [] },
  ]);
});

Deno.test("what is later than its grace is not caught up with, and is reported at once", () => {
  const known = { last: "12:00:00" };
  const rows: [CatchUp, number, string, string | undefined][] = [
    ["all", 20.5, "12:00:10", undefined],
    ["all", 20.4, "12:00:20", "1: 12:00:10 to 12:00:10"],
    ["all", 5, "12:00:30", "2: 12:00:10 to 12:00:20"],
    ["all", 0.4, "12:00:40", "3: 12:00:10 to 12:00:30"],
    ["one", 5, "12:00:30", "2: 12:00:10 to 12:00:20"],
    ["one", 0.4, "12:00:40", "3: 12:00:10 to 12:00:30"],
    ["none", 60, "12:00:40", "3: 12:00:10 to 12:00:30"],
  ];
  for (const [policy, seconds, first, missed] of rows) {
    const beginning = begun({ entry: tens(policy, grace(seconds)), known });
    const found = [time(beginning.next), reported(beginning)];
    assert.deepEqual(found, [first, missed], `${policy}, ${seconds} s`);
  }
  check([{
    name: "lateness within the timer's floor is none",
    entry: tens("one", grace(0)),
    known: { last: "12:00:20" },
    now: ms("12:00:30.100"),
    fires: ["12:00:30", "12:00:40", "12:00:50"],
  }, {
    name: "lateness beyond it is",
    entry: tens("one", grace(0)),
    known: { last: "12:00:20" },
    now: ms("12:00:30.101"),
    fires: ["12:00:40", "12:00:50", "12:01:00"],
    missed: "1: 12:00:30 to 12:00:30",
  }]);
});

Deno.test("a lease that was handed over leaves nothing out, also without catching up", () => {
  const last = "11:59:50";
  check([
    {
      name: "one that was not fired any more",
      entry: tens("none"),
      known: { last, firedUntil: "12:00:29" },
      fires: ["12:00:30", "12:00:40", "12:00:50"],
    },
    {
      name: "nothing fell between",
      entry: tens("none"),
      known: { last, firedUntil: "12:00:30.400" },
      fires: ["12:00:40", "12:00:50", "12:01:00"],
    },
    {
      name: "its very instant was fired",
      entry: tens("none"),
      known: { last, firedUntil: "12:00:30" },
      fires: ["12:00:40", "12:00:50", "12:01:00"],
    },
    {
      name: "several: the latest stands for all",
      entry: tens("none"),
      known: { last, firedUntil: "12:00:09" },
      fires: ["12:00:30 for 12:00:10", "12:00:40", "12:00:50"],
    },
    {
      name: "what is later than its grace since then is reported",
      entry: tens("none", grace(5)),
      known: { last, firedUntil: "12:00:09" },
      fires: ["12:00:30", "12:00:40", "12:00:50"],
      missed: "2: 12:00:10 to 12:00:20",
    },
    {
      name: "all of it is later than its grace",
      entry: tens("none", grace(0.4)),
      known: { last, firedUntil: "12:00:19" },
      fires: ["12:00:40", "12:00:50", "12:01:00"],
      missed: "2: 12:00:20 to 12:00:30",
    },
    {
      name: "where the latest or all are caught up with, the checkpoint counts",
      entry: tens("all"),
      known: { last: "12:00:10", firedUntil: "12:00:29" },
      fires: ["12:00:20", "12:00:30", "12:00:40"],
    },
    {
      name: "its jitter goes beyond the hand-over",
      entry: jittered("rotate", "none"),
      known: { last: "11:59:00", firedUntil: "12:00:28" },
      fires: ["12:00:00 at 12:00:28.729", "12:01:00 at 12:01:45.664", "12:02:00 at 12:02:18.216"],
    },
    {
      name: "its jitter ended before the hand-over",
      entry: jittered("rotate", "none"),
      known: { last: "11:59:00", firedUntil: "12:00:28.800" },
      fires: ["12:01:00 at 12:01:45.664", "12:02:00 at 12:02:18.216", "12:03:00 at 12:03:13.655"],
    },
  ]);
});

Deno.test("an interval keeps the phase that is remembered, and what it missed is on it", () => {
  const every = (catchUp: CatchUp) => intervalEntry("every", 10, { catchUp });
  const startAt = new Date(ms("11:00:05"));
  const known = { since: "12:00:03", last: "12:00:13" };
  check([
    {
      name: "none",
      entry: every("none"),
      known,
      fires: ["12:00:33", "12:00:43", "12:00:53"],
      missed: "1: 12:00:23 to 12:00:23",
    },
    {
      name: "one",
      entry: every("one"),
      known,
      fires: ["12:00:23", "12:00:33", "12:00:43"],
    },
    {
      name: "new, with a phase of its own already",
      entry: every("all"),
      known: { since: "12:00:27", isNew: true },
      fires: ["12:00:37", "12:00:47", "12:00:57"],
    },
    {
      name: "nothing is remembered",
      entry: every("all"),
      fires: ["12:00:40.500", "12:00:50.500", "12:01:00.500"],
    },
    {
      name: "a grid counts, whatever is remembered as the phase",
      entry: intervalEntry("grid", 10, { catchUp: "all", startAt }),
      known: { since: "11:30:03", last: "12:00:05" },
      fires: ["12:00:15", "12:00:25", "12:00:35"],
    },
    {
      name: "a grid, and nothing is remembered",
      entry: intervalEntry("grid", 10, { startAt }),
      fires: ["12:00:35", "12:00:45", "12:00:55"],
    },
  ]);
});

Deno.test("nothing outside of start_at and end_at was missed, both included", () => {
  const at = (text: string) => new Date(ms(text));
  const known = { last: "11:59:50" };
  check([
    {
      name: "it began while nobody ran",
      entry: tens("none", { startAt: at("12:00:10") }),
      known: { since: "11:00:00" },
      fires: ["12:00:40", "12:00:50", "12:01:00"],
      missed: "3: 12:00:10 to 12:00:30",
    },
    {
      name: "it ended while nobody ran",
      entry: tens("one", { endAt: at("12:00:20") }),
      known,
      fires: ["12:00:20"],
      missed: "2: 12:00:00 to 12:00:10",
    },
    {
      name: "it ended, and nothing fires",
      entry: tens("none", { endAt: at("12:00:20") }),
      known,
      fires: [],
      missed: "3: 12:00:00 to 12:00:20",
    },
    {
      name: "it ended, and all of it is later than its grace",
      entry: jittered("rotate", "all", { ...grace(5), endAt: at("11:59:00") }),
      known: { last: "11:57:00" },
      fires: [],
      missed: "2: 11:58:00 to 11:59:00",
    },
    {
      name: "it had ended before",
      entry: tens("all", { endAt: at("11:59:50") }),
      known,
      fires: [],
    },
    {
      name: "it has not begun",
      entry: tens("all", { startAt: at("12:05:00") }),
      known: {},
      fires: ["12:05:00", "12:05:10", "12:05:20"],
    },
  ]);
});

Deno.test("what its jitter holds back has not been missed, and what it held back has", () => {
  const at = (name: string, text: string) => jitter(name, new Date(ms(text)), 50_000);
  assert.equal(at("sync", "12:00:00"), 47_081);
  assert.equal(at("rotate", "12:00:00"), 28_729);
  const pending = "12:00:00 at 12:00:47.081";
  const next = ["12:01:00 at 12:01:12.624", "12:02:00 at 12:02:10.683"];
  check([
    {
      name: "nothing is remembered",
      entry: jittered("sync", "none"),
      fires: [pending, ...next],
    },
    {
      name: "it was done",
      entry: jittered("sync", "none"),
      known: { last: "12:00:00" },
      fires: [...next, "12:03:00 at 12:03:31.857"],
    },
    {
      name: "its job goes on and has taken it",
      entry: jittered("sync", "none"),
      oldLast: "12:00:00",
      fires: [...next, "12:03:00 at 12:03:31.857"],
    },
    {
      name: "what is older was missed",
      entry: jittered("sync", "none"),
      known: { last: "11:57:00" },
      fires: [pending, ...next],
      missed: "2: 11:58:00 to 11:59:00",
    },
    {
      name: "what is older is caught up with first",
      entry: jittered("sync", "one"),
      known: { last: "11:57:00" },
      fires: ["11:59:00 at 11:59:42.643", pending, next[0]!],
      missed: "1: 11:58:00 to 11:58:00",
    },
    {
      name: "it was not known at that time",
      entry: jittered("sync", "all"),
      known: { since: "12:00:10" },
      fires: [...next, "12:03:00 at 12:03:31.857"],
    },
    {
      name: "its delay is over",
      entry: jittered("rotate", "none"),
      known: { last: "11:59:00" },
      fires: ["12:01:00 at 12:01:45.664", "12:02:00 at 12:02:18.216", "12:03:00 at 12:03:13.655"],
      missed: "1: 12:00:00 to 12:00:00",
    },
    {
      name: "its delay is over, and it is within its grace",
      entry: jittered("rotate", "all", grace(2)),
      known: { last: "11:58:00" },
      fires: ["12:00:00 at 12:00:28.729", "12:01:00 at 12:01:45.664", "12:02:00 at 12:02:18.216"],
      missed: "1: 11:59:00 to 11:59:00",
    },
  ]);
});

Deno.test("run_on_start fires at once, whatever else is to come", () => {
  const starts = { runOnStart: true };
  const startsAt = "12:00:30.500";
  check([
    {
      name: "nothing is remembered",
      entry: tens("none", starts),
      fires: ["12:00:30.500", "12:00:40", "12:00:50"],
    },
    {
      name: "a start of a scheduler that remembers",
      entry: tens("none", starts),
      known: { last: "12:00:10", startsAt },
      fires: ["12:00:30.500", "12:00:40", "12:00:50"],
      missed: "2: 12:00:20 to 12:00:30",
    },
    {
      name: "no start",
      entry: tens("none", starts),
      known: { last: "12:00:30" },
      fires: ["12:00:40", "12:00:50", "12:01:00"],
    },
    {
      name: "a job that goes on",
      entry: tens("none", starts),
      oldLast: "12:00:30",
      fires: ["12:00:40", "12:00:50", "12:01:00"],
    },
    {
      name: "what was missed comes first",
      entry: tens("one", starts),
      known: { last: "12:00:10", startsAt },
      fires: ["12:00:30", "12:00:40", "12:00:50"],
      missed: "1: 12:00:20 to 12:00:20",
    },
    {
      name: "outside of its bounds it does not",
      entry: tens("none", { ...starts, startAt: new Date(ms("12:00:40")) }),
      fires: ["12:00:40", "12:00:50", "12:01:00"],
    },
    {
      name: "it has no jitter",
      entry: jittered("rotate", "none", starts),
      fires: ["12:00:30.500", "12:01:00 at 12:01:45.664", "12:02:00 at 12:02:18.216"],
    },
    {
      name: "nor has what jitter would hold back",
      entry: jittered("sync", "none", starts),
      fires: [
        "12:00:00 at 12:00:30.500",
        "12:01:00 at 12:01:12.624",
        "12:02:00 at 12:02:10.683",
      ],
    },
  ]);
});

Deno.test("a day of seconds is counted to a thousand, with its true ends", () => {
  const entry = cronEntry("seconds", "* * * * * *");
  const last = NOW - 12 * 3_600_000 - 500;
  const known = { ...knownOf({ since: "00:00:00" }), last };
  const { missed } = begin(entry, { now: NOW, known, catchUp: "none" });
  assert.deepEqual(missed, {
    first: ms("00:00:31"),
    last: ms("12:00:30"),
    count: MAX_COUNTED,
  });
});

/** A job of an entry, that is due at this time. */
function at(entry: ScheduleEntry, next: string): Position {
  const cadence = entry.timing.cadence(new Date(0));
  return { entry, cadence, shift: 0, next: ms(next), last: -Infinity, irregular: null };
}

/** Takes the position's next occurrence, as a table does that finds it late. */
function take(position: Position, now: string, { each = false } = {}) {
  const options = { now: ms(now), fireAt: dueAt(position), firesEach: each };
  const due = advance(position, options);
  const until = spread(position, due, ms(now));
  return { due: textOf(due), until: until === null ? null : time(until) };
}

Deno.test("what passed is one occurrence, the latest that its jitter does not hold back", () => {
  const rows: [string, string, string, string][] = [
    ["rotate", "12:00:30.500", "12:00:00 at 12:00:28.729 for 11:57:00", "12:01:00"],
    ["sync", "12:00:30.500", "11:59:00 at 11:59:42.643 for 11:57:00", "12:00:00"],
    ["sync", "12:00:47.081", "12:00:00 at 12:00:47.081 for 11:57:00", "12:01:00"],
    ["sync", "12:00:47.080", "11:59:00 at 11:59:42.643 for 11:57:00", "12:00:00"],
  ];
  for (const [name, now, expected, next] of rows) {
    const position = at(jittered(name, "none"), "11:57:00");
    const due = advance(position, { now: ms(now), fireAt: dueAt(position), firesEach: false });
    assert.equal(textOf(due), expected, `${name} at ${now}`);
    assert.equal(time(position.next), next);
    assert.equal(position.last, due.scheduledFor);
  }
});

Deno.test("a late occurrence is delayed by its own jitter from now, bounded by the next one", () => {
  const now = "12:00:30.500";
  const rows: [string, { due: string; until: string | null }][] = [
    // 28.729 s from now.
    ["rotate", { due: "12:00:00 at 12:00:28.729 for 11:58:00", until: "12:00:59.229" }],
    // 42.643 s from now, but the next is sent at 12:00:47.081.
    ["sync", { due: "11:59:00 at 11:59:42.643 for 11:58:00", until: "12:00:47.081" }],
    // 33.891 s from now, but the next is sent at 12:01:39.711.
    ["cleanup", { due: "11:59:00 at 11:59:03.201 for 11:58:00", until: "12:00:33.701" }],
  ];
  for (const [name, expected] of rows) {
    assert.deepEqual(take(at(jittered(name, "none"), "11:58:00"), now), expected, name);
  }
});

Deno.test("what is not later than a timer can be is not delayed, nor what has no jitter", () => {
  assert.equal(take(at(jittered("rotate", "none"), "12:00:00"), "12:00:29.728").until, null);
  assert.equal(
    take(at(jittered("rotate", "none"), "12:00:00"), "12:00:29.729").until,
    "12:00:58.458",
  );
  assert.equal(take(at(tens("none"), "11:00:00"), "12:00:30.500").until, null);
});

Deno.test("of what is late at the same time only the first is delayed, and again once it was", () => {
  const each = true;
  const position = at(jittered("rotate", "all"), "11:58:00");
  const first = take(position, "12:00:30.500", { each });
  assert.deepEqual(first, { due: "11:58:00 at 11:58:10.259", until: "12:00:40.759" });
  assert.equal(time(dueAt(position)), "12:00:40.759", "what follows it waits for it");
  const late = takeSpread(position, ms("12:00:40.759"), each);
  assert.equal(textOf(late), "11:58:00 at 11:58:10.259");
  assert.equal(late.isSpread, true);
  for (const expected of ["11:59:00 at 11:59:41.534", "12:00:00 at 12:00:28.729"]) {
    assert.deepEqual(take(position, "12:00:40.800", { each }), { due: expected, until: null });
  }
  // The process stood still again.
  assert.deepEqual(take(position, "12:09:59", { each }), {
    due: "12:01:00 at 12:01:45.664",
    until: "12:10:38.781",
  });
});

Deno.test("what is delayed gives way to the next one once that is due, unless each fires", () => {
  const position = () => {
    const late = at(jittered("rotate", "none"), "11:58:00");
    take(late, "12:00:30.500");
    return late;
  };
  const before = takeSpread(position(), ms("12:00:59.229"), false);
  assert.equal(textOf(before), "12:00:00 at 12:00:28.729 for 11:58:00");
  const after = takeSpread(position(), ms("12:01:45.664"), false);
  assert.equal(textOf(after), "12:01:00 at 12:01:45.664 for 11:58:00");
  assert.equal(after.isSpread, false, "it has a grace of its own");
  const each = position();
  assert.equal(
    textOf(takeSpread(each, ms("12:01:45.664"), true)),
    "12:00:00 at 12:00:28.729 for 11:58:00",
  );
  assert.equal(time(each.next), "12:01:00");
});
