/** What the soak would say of a leak, of a message that is missing, and of one that came twice. */
import assert from "node:assert/strict";
import type { Stored } from "../chaos/verdict.ts";
import { trend, troughs } from "./samples.ts";
import { countBroken, entries } from "./soak.ts";

Deno.test("a slope is that of the line through the samples", () => {
  const samples = [0, 1, 2, 3].map((at) => ({
    at,
    memory: 100_000 + 600 * at + (at % 2 ? 5 : -5),
    descriptors: 20,
    threads: 9,
  }));
  const { from, to, perMinute, largest } = trend(samples, "memory");
  assert.ok(Math.abs(perMinute - 602) < 0.001, String(perMinute));
  assert.deepEqual([Math.round(from), Math.round(to), largest], [99_997, 101_803, 101_805]);
  assert.equal(trend(samples, "descriptors").perMinute, 0);
  assert.equal(trend(samples.slice(0, 1), "threads").perMinute, 0);
});

Deno.test("what comes and goes within a span is no slope", () => {
  const samples = Array.from({ length: 30 }, (_, index) => ({
    at: index / 30,
    ...{ memory: 1000, descriptors: index % 10 === 4 ? 20 : 60 + index, threads: 9 },
  }));
  const least = troughs(samples, 1 / 3);
  assert.deepEqual(least.map(({ descriptors }) => descriptors), [20, 20, 20]);
  assert.equal(trend(least, "descriptors").perMinute, 0);
});

Deno.test("300 entries, whose reloads change no instant", () => {
  const [first, second] = [entries(0), entries(1)];
  assert.equal(first.yaml.length, 300);
  assert.notDeepEqual(first.yaml, second.yaml);
  assert.deepEqual(first.promises, second.promises);
});

Deno.test("what is lost and doubled is counted by the clock alone", () => {
  const promises = ["a", "b/0"].map((schedule) => ({
    ...{ schedule, period: 1000, phase: 0, isExact: true },
  }));
  const at = (schedule: string, second: number): Stored => ({
    ...{ schedule, scheduledFor: second * 1000, storedAt: second * 1000 + 3, term: 1, shard: 0 },
  });
  const all = [1, 2, 3, 4].flatMap((second) => promises.map((each) => at(each.schedule, second)));
  const counts = (messages: Stored[]) => countBroken(messages, promises, 1000, 4000);
  assert.deepEqual(counts(all), { lost: 0, doubled: 0, other: [] });
  assert.deepEqual(counts(all.filter((_, index) => index !== 3)), {
    ...{ lost: 1, doubled: 0, other: [] },
  });
  assert.deepEqual(counts([...all, at("a", 4)]), { lost: 0, doubled: 1, other: [] });
  assert.deepEqual(counts([...all, at("c", 4)]).other, ["c: nobody asked for it"]);
});
