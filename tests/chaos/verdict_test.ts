/** What the harness would find: one stream for each way to break a promise. */
import assert from "node:assert/strict";
import { judge, type Observed, type Stored } from "./verdict.ts";

const at = (second: number, rest: Partial<Stored> = {}): Stored => ({
  schedule: "a",
  scheduledFor: second * 1000,
  storedAt: second * 1000 + 5,
  term: 1,
  shard: 0,
  ...rest,
});

function observe(messages: Stored[], rest: Partial<Observed> = {}): Observed {
  return {
    messages,
    promises: [{ schedule: "a", period: 1000, phase: 0, isExact: true }],
    from: 1000,
    until: 5000,
    disturbances: [],
    allowedLateness: 2000,
    ...rest,
  };
}

const ALL = [1, 2, 3, 4, 5].map((second) => at(second));

Deno.test("a stream that keeps every promise is found to", () => {
  assert.deepEqual(judge(observe(ALL)), { faults: [], worstLateness: 5, checked: 5 });
});

const BROKEN: [string, Stored[], RegExp][] = [
  ["one never came", ALL.toSpliced(2, 1), /03\.000Z never came/],
  ["the last never came", ALL.slice(0, -1), /05\.000Z never came/],
  ["one came twice", [...ALL, at(5)], /05\.000Z came twice/],
  ["the order is wrong", [ALL[1]!, ALL[0]!, ...ALL.slice(2)], /01\.000Z came after a later one/],
  ["one was never due", [...ALL, at(5.5)], /05\.500Z was never due/],
  ["an old holder was heard", [at(1, { term: 2 }), ...ALL.slice(1)], /in term 1 after term 2/],
  ["one came late", [...ALL.slice(0, 4), at(5, { storedAt: 7500 })], /2500 ms after it could have/],
  ["nobody asked for it", [...ALL, at(5, { schedule: "x" })], /x: nobody asked for it/],
];

for (const [name, messages, expected] of BROKEN) {
  Deno.test(`it is found that ${name}`, () => {
    const { faults } = judge(observe(messages));
    assert.match(faults.join("\n"), expected);
  });
}

Deno.test("it is found that an interval began anew in a failover", () => {
  const promises = [{ schedule: "a", period: 1000, phase: null, isExact: true }];
  const interval = [1.2, 2.2, 3.2, 4.2].map((second) => at(second));
  assert.deepEqual(judge(observe(interval, { promises, until: 5000 })).faults, []);
  const anew = [1.2, 2.2, 3.7, 4.7].map((second) => at(second));
  const { faults } = judge(observe(anew, { promises, until: 5000 }));
  assert.match(faults.join("\n"), /03\.700Z was never due[^]*04\.700Z was never due/);
  assert.match(faults.join("\n"), /03\.200Z never came[^]*04\.200Z never came/);
});

Deno.test("it is found that an entry which may leave some out goes on no more", () => {
  const promises = [{ schedule: "a", period: 1000, phase: 0, isExact: false }];
  const silent = (messages: Stored[]) => judge(observe(messages, { promises, until: 9000 })).faults;
  assert.match(silent(ALL).join("\n"), /^a: silent for 3995 ms up to .*09\.000Z$/);
  assert.match(
    silent([at(1), at(6), at(8)]).join("\n"),
    /^a: silent for 5000 ms up to .*06\.005Z$/,
  );
  assert.deepEqual(silent([at(1), at(3), at(6), at(8)]), []);
});

Deno.test("a disturbance explains lateness up to the allowance after it", () => {
  const messages = [...ALL.slice(0, 4), at(5, { storedAt: 9000 })];
  assert.deepEqual(
    judge(observe(messages, { disturbances: [{ from: 7000, until: 7100 }] })).faults,
    [],
  );
  assert.equal(
    judge(observe(messages, { disturbances: [{ from: 1000, until: 6900 }] })).faults.length,
    1,
  );
  assert.deepEqual(
    judge(observe(messages, { disturbances: [{ from: 6900, until: 9500 }] })).faults,
    [],
  );
});

Deno.test("who promises at most once may leave some out, and not repeat one", () => {
  const promises = [{ schedule: "a", period: 1000, phase: 0, isExact: false }];
  assert.deepEqual(judge(observe(ALL.toSpliced(2, 1), { promises })).faults, []);
  assert.equal(judge(observe([...ALL, at(5)], { promises })).faults.length, 1);
});
