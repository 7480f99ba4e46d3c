/** The whole policy: each event in each situation that a job can be in. */
import assert from "node:assert/strict";
import { decide, type Effect, type JobEvent, type Situation } from "../../lib/engine/decide.ts";
import { CATCH_UP_LIMIT } from "../../lib/schedule/occurrences.ts";

const EVENTS: readonly JobEvent[] = [
  "due",
  "spread_due",
  "turn",
  "opened",
  "pause_changed",
  "removed",
  "lost",
  "releasing",
  "stopping",
  "timed_out",
];

/** A job that may fire, has nothing to do, and of which only the newest occurrence waits. */
const IDLE: Situation = {
  owner: "held",
  connected: true,
  paused: false,
  each: false,
  running: "none",
  inOldTerm: false,
  waiting: "none",
  late: false,
};

/** What a situation has that {@link IDLE} has not, in words. */
const WORDS: Record<string, Partial<Situation>> = {
  "lapsed": { owner: "lapsed" },
  "not held": { owner: "not_held" },
  "disconnected": { connected: false },
  "paused": { paused: true },
  "each": { each: true },
  "unsent": { running: "unsent" },
  "unacknowledged": { running: "unacknowledged" },
  "partly sent": { running: "partly_sent" },
  "of an old term": { inOldTerm: true },
  "one waits": { waiting: "one" },
  "some wait": { waiting: "some" },
  "a thousand wait": { waiting: "full" },
  "late": { late: true },
};

function situationOf(words: string): Situation {
  const parts = words === "" ? [] : words.split(", ").map((word) => WORDS[word]!);
  assert.ok(parts.every((part) => part !== undefined), `unknown words in "${words}"`);
  return Object.assign({}, IDLE, ...parts);
}

function textOf(effects: readonly Effect[]): string {
  return effects.map((effect) => {
    if (effect.do === "start") return `start ${effect.what}`;
    return effect.do === "skip" ? `skip ${effect.what} as ${effect.as}` : effect.do;
  }).join(", ");
}

type Row = [event: JobEvent, situation: string, effects: string];

/** Every distinct cell. */
const ROWS: readonly Row[] = [
  // An occurrence is due.
  ["due", "not held", ""],
  ["due", "not held, paused", ""],
  ["due", "", "start due"],
  ["due", "each", "start due"],
  ["due", "late", "skip due as misfire"],
  ["due", "paused", "skip due as paused"],
  ["due", "paused, late", "skip due as paused"],
  ["due", "paused, lapsed, disconnected", "skip due as paused"],
  ["due", "paused, each, some wait", "skip due as paused"],
  ["due", "unsent", "skip due as overlap"],
  ["due", "partly sent", "skip due as overlap"],
  ["due", "unsent, of an old term", "skip due as overlap"],
  ["due", "unacknowledged", "skip running as superseded, start due"],
  ["due", "unacknowledged, late", "skip due as misfire"],
  [
    "due",
    "unacknowledged, one waits",
    "skip waiting as superseded, skip running as superseded, start due",
  ],
  ["due", "one waits", "skip waiting as superseded, start due"],
  ["due", "one waits, late", "skip due as misfire, turn"],
  ["due", "each, unsent", "wait"],
  ["due", "each, unacknowledged, some wait", "wait"],
  ["due", "each, partly sent, a thousand wait", "skip first as catch_up_limit, wait"],
  ["due", "each, one waits", "wait, turn"],
  ["due", "each, a thousand wait", "skip first as catch_up_limit, wait, turn"],
  ["due", "disconnected", "wait, watch"],
  ["due", "disconnected, late", "wait, watch"],
  ["due", "lapsed", "wait"],
  ["due", "disconnected, one waits", "skip waiting as superseded, wait, watch"],
  ["due", "lapsed, one waits", "skip waiting as superseded, wait"],
  ["due", "disconnected, unsent", "skip running as superseded, wait, watch"],
  ["due", "lapsed, unacknowledged", "skip running as superseded, wait"],
  [
    "due",
    "disconnected, unsent, one waits",
    "skip waiting as superseded, skip running as superseded, wait, watch",
  ],
  [
    "due",
    "lapsed, unsent, one waits",
    "skip waiting as superseded, skip running as superseded, wait",
  ],
  ["due", "disconnected, partly sent", "wait, watch"],
  ["due", "disconnected, partly sent, one waits", "skip waiting as superseded, wait, watch"],
  ["due", "disconnected, each, some wait", "wait, watch"],
  ["due", "disconnected, each, a thousand wait", "skip first as catch_up_limit, wait, watch"],
  ["due", "lapsed, each, a thousand wait", "skip first as catch_up_limit, wait"],

  // One is due that was late, and whose grace was judged when it was delayed.
  ["spread_due", "not held", ""],
  ["spread_due", "", "start due"],
  ["spread_due", "late", "start due"],
  ["spread_due", "unsent", "skip due as overlap"],
  ["spread_due", "unacknowledged, late", "skip running as superseded, start due"],
  [
    "spread_due",
    "unacknowledged, one waits",
    "skip waiting as superseded, skip running as superseded, start due",
  ],
  ["spread_due", "one waits, late", "skip waiting as superseded, start due"],
  ["spread_due", "paused", "wait"],
  ["spread_due", "paused, unsent", "wait"],
  ["spread_due", "paused, one waits", "skip waiting as superseded, wait"],
  ["spread_due", "paused, disconnected", "wait, watch"],
  ["spread_due", "disconnected, one waits", "skip waiting as superseded, wait, watch"],
  ["spread_due", "lapsed, unsent", "skip running as superseded, wait"],
  ["spread_due", "disconnected, unsent", "skip running as superseded, wait, watch"],
  [
    "spread_due",
    "lapsed, unsent, one waits",
    "skip waiting as superseded, skip running as superseded, wait",
  ],
  [
    "spread_due",
    "disconnected, unsent, one waits",
    "skip waiting as superseded, skip running as superseded, wait, watch",
  ],
  ["spread_due", "each, one waits", "wait, turn"],
  ["spread_due", "each, a thousand wait", "skip first as catch_up_limit, wait, turn"],
  ["spread_due", "each, unsent, a thousand wait", "skip first as catch_up_limit, wait"],
  [
    "spread_due",
    "each, disconnected, a thousand wait",
    "skip first as catch_up_limit, wait, watch",
  ],

  // The next one may start.
  ["turn", "", ""],
  ["turn", "one waits", "start first"],
  ["turn", "each, some wait", "start first"],
  ["turn", "one waits, late", "skip first as misfire, turn"],
  ["turn", "some wait", "skip older as superseded, turn"],
  ["turn", "some wait, late", "skip older as superseded, turn"],
  ["turn", "one waits, paused", ""],
  ["turn", "one waits, lapsed", ""],
  ["turn", "one waits, unsent", ""],
  ["turn", "one waits, disconnected", "watch"],
  ["turn", "one waits, disconnected, late", "watch"],

  // The connection is back, or the lease.
  ["opened", "", ""],
  ["opened", "one waits", "start first"],
  ["opened", "some wait", "skip older as superseded, turn"],
  ["opened", "one waits, late", "skip first as misfire, turn"],
  ["opened", "one waits, disconnected", "watch"],
  ["opened", "one waits, paused", ""],
  ["opened", "unsent, one waits", ""],
  ["opened", "unsent, of an old term", "restart"],
  ["opened", "partly sent, of an old term, one waits", "restart"],
  ["opened", "unacknowledged, of an old term, paused", "restart"],
  ["opened", "unsent, of an old term, late", "skip running as misfire, turn"],
  ["opened", "unsent, of an old term, lapsed", ""],
  ["opened", "unsent, of an old term, not held", ""],
  ["opened", "unsent, of an old term, disconnected", "hold, watch"],
  [
    "opened",
    "unsent, of an old term, disconnected, one waits",
    "skip running as superseded, watch",
  ],
  ["opened", "partly sent, of an old term, disconnected, one waits", "watch"],
  [
    "opened",
    "unsent, of an old term, disconnected, each, a thousand wait",
    "skip first as catch_up_limit, hold, watch",
  ],

  // A person paused or resumed the entry.
  ["pause_changed", "paused, some wait", ""],
  ["pause_changed", "paused, unsent", ""],
  ["pause_changed", "one waits", "start first"],
  ["pause_changed", "one waits, late", "skip first as misfire, turn"],
  ["pause_changed", "some wait", "skip older as superseded, turn"],
  ["pause_changed", "one waits, disconnected", "watch"],

  // A reload removed or disabled it.
  ["removed", "", ""],
  ["removed", "unsent", ""],
  ["removed", "each, some wait", "skip waiting as removed"],

  // Its lease goes, or the process.
  ["lost", "", ""],
  ["lost", "unsent", "withdraw"],
  ["lost", "one waits", "forget"],
  ["lost", "each, partly sent, some wait", "forget, withdraw"],
  ["releasing", "unsent", ""],
  ["releasing", "unsent, one waits", "forget"],
  ["stopping", "unsent", ""],
  ["stopping", "one waits", "skip waiting as shutdown"],
  ["stopping", "each, some wait", "forget"],
  ["timed_out", "one waits", ""],
  ["timed_out", "partly sent, one waits", "skip running as shutdown"],
];

/** Every situation: a firing belongs to an old term only where something runs. */
function* situations(): Generator<Situation> {
  const both = [false, true];
  for (const owner of ["held", "lapsed", "not_held"] as const) {
    for (const running of ["none", "unsent", "unacknowledged", "partly_sent"] as const) {
      for (const inOldTerm of running === "none" ? [false] : both) {
        for (const waiting of ["none", "one", "some", "full"] as const) {
          for (const connected of both) {
            for (const paused of both) {
              for (const each of both) {
                for (const late of both) {
                  yield { owner, connected, paused, each, running, inOldTerm, waiting, late };
                }
              }
            }
          }
        }
      }
    }
  }
}

interface Cell {
  event: JobEvent;
  situation: Situation;
  effects: readonly Effect[];
  /** Names the cell in what a test says. */
  name: string;
}

const CELLS: readonly Cell[] = [...situations()].flatMap((situation) =>
  EVENTS.map((event) => {
    const effects = decide(event, situation);
    const name = `${event} in ${JSON.stringify(situation)}: ${textOf(effects)}`;
    return { event, situation, effects, name };
  })
);

const SIZES = { none: 0, one: 1, some: 2, full: CATCH_UP_LIMIT };

const has = ({ effects }: Cell, text: RegExp) => text.test(textOf(effects));

const isDue = ({ event }: Cell) => event === "due" || event === "spread_due";

/** Asserts that what `isWrong` looks for is nowhere. */
function assertNowhere(isWrong: (cell: Cell) => boolean): void {
  assert.deepEqual(CELLS.filter(isWrong).map(({ name }) => name), []);
}

/** Carries the effects out on numbers. Throws where one is about something that is not there. */
function afterwards({ situation, effects }: Cell) {
  let waits = SIZES[situation.waiting];
  let runs = situation.running !== "none";
  let starts = 0;
  const take = (isThere: boolean, effect: Effect) => assert.ok(isThere, textOf([effect]));
  const start = () => {
    assert.ok(!runs, "beside another");
    runs = true;
    starts++;
  };
  for (const effect of effects) {
    if (effect.do === "wait") waits++;
    if (effect.do === "forget") {
      take(waits > 0, effect);
      waits = 0;
    }
    if (effect.do === "withdraw" || effect.do === "hold" || effect.do === "restart") {
      take(runs, effect);
      runs = false;
    }
    if (effect.do === "hold") waits++;
    if (effect.do === "restart") start();
    if (effect.do === "start") {
      if (effect.what === "first") take(waits-- > 0, effect);
      start();
    }
    if (effect.do !== "skip") continue;
    if (effect.what === "first") take(waits-- > 0, effect);
    if (effect.what === "waiting") {
      take(waits > 0, effect);
      waits = 0;
    }
    if (effect.what === "older") {
      take(waits > 1, effect);
      waits = 1;
    }
    if (effect.what === "running") {
      take(runs, effect);
      runs = false;
    }
  }
  return { waits, runs, starts };
}

for (const event of EVENTS) {
  Deno.test(`what is decided when a job's event is "${event}"`, () => {
    for (const [, words, expected] of ROWS.filter(([each]) => each === event)) {
      const situation = situationOf(words);
      assert.equal(textOf(decide(event, situation)), expected, `${event}: ${words || "idle"}`);
    }
  });
}

Deno.test("every outcome of every event has a row", () => {
  const named = new Set(ROWS.map(([event, , effects]) => `${event}: ${effects}`));
  const decided = CELLS.map(({ event, effects }) => `${event}: ${textOf(effects)}`);
  assert.equal(CELLS.length, 13_440);
  assert.deepEqual([...new Set(decided)].filter((each) => !named.has(each)), []);
});

Deno.test("each effect is about something that is there, and one starts at most, beside no other", () => {
  for (const cell of CELLS) {
    const { starts } = (() => {
      try {
        return afterwards(cell);
      } catch (error) {
        throw new Error(cell.name, { cause: error });
      }
    })();
    assert.ok(starts <= 1, cell.name);
  }
});

Deno.test("nothing starts unless the lease is held and the connection is there", () => {
  assertNowhere((cell) => {
    const { owner, connected } = cell.situation;
    return has(cell, /start/) && !(owner === "held" && connected);
  });
});

Deno.test("nothing starts while the entry is paused, but for what had begun before", () => {
  assertNowhere((cell) => cell.situation.paused && has(cell, /(^|, )start/));
});

Deno.test("nothing starts later than its grace, unless it was judged before", () => {
  assertNowhere((cell) => cell.situation.late && has(cell, /start/) && cell.event !== "spread_due");
});

Deno.test("what is due and ours has exactly one fate; what is not ours has none", () => {
  for (const cell of CELLS) {
    const fates = cell.effects.filter((effect) =>
      effect.do === "wait" || ("what" in effect && effect.what === "due")
    );
    const isOurs = isDue(cell) && cell.situation.owner !== "not_held";
    assert.equal(fates.length, isOurs ? 1 : 0, cell.name);
  }
});

Deno.test("what is due never overtakes what waits", () => {
  assertNowhere((cell) => has(cell, /start due/) && afterwards(cell).waits > 0);
});

Deno.test("one occurrence waits at most, or a thousand where each fires", () => {
  assertNowhere((cell) => {
    const { waiting, each } = cell.situation;
    // A reload may have changed `catch_up`: then more wait than may, until the next turn.
    return afterwards(cell).waits > Math.max(SIZES[waiting], each ? CATCH_UP_LIMIT : 1);
  });
});

Deno.test("what is partly sent is never superseded", () => {
  assertNowhere((cell) =>
    cell.situation.running === "partly_sent" && has(cell, /running as superseded/)
  );
});

Deno.test("where each fires, nothing is superseded or overlaps", () => {
  assertNowhere((cell) => cell.situation.each && has(cell, /superseded|overlap/));
});

Deno.test("in its turn, when it may leave, something always happens to what waits", () => {
  assertNowhere((cell) => {
    const { owner, connected, paused, running, waiting } = cell.situation;
    const isTurn = ["turn", "opened", "pause_changed"].includes(cell.event);
    const mayStart = owner === "held" && connected && !paused && running === "none";
    return isTurn && mayStart && waiting !== "none" && cell.effects.length === 0;
  });
});

Deno.test("whatever waits without a connection is called when there is one", () => {
  assertNowhere((cell) => {
    const { connected, owner, paused } = cell.situation;
    const isOurs = owner === "held" && !paused && !["stopping", "removed"].includes(cell.event);
    const begins = isDue(cell) || has(cell, /hold/);
    return isOurs && !connected && begins && afterwards(cell).waits > 0 && !has(cell, /watch/);
  });
});

Deno.test("what waits before a pause is there after it", () => {
  assertNowhere((cell) => {
    const isOnlyPaused = ["due", "turn", "opened", "pause_changed"].includes(cell.event);
    // A firing that lost its term may have to wait too.
    return isOnlyPaused && cell.situation.paused && !has(cell, /hold/) &&
      afterwards(cell).waits < SIZES[cell.situation.waiting];
  });
});

Deno.test("turns come to an end, with what waits started or dealt with", () => {
  for (const { situation, name } of CELLS.filter(({ event }) => event === "turn")) {
    let now = situation;
    for (let turns = 0;; turns++) {
      const effects = decide("turn", now);
      if (!has({ effects } as Cell, /turn/)) break;
      assert.ok(turns < 4, name);
      const { waits } = afterwards({ situation: now, effects } as Cell);
      const waiting = waits === 0 ? "none" : waits === 1 ? "one" : "some";
      now = { ...now, waiting };
    }
  }
});
