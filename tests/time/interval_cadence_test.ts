import assert from "node:assert/strict";
import { fc } from "../deps.ts";
import { intervalCadence } from "../../lib/time/interval_cadence.ts";

const anchor = new Date("2025-01-01T00:00:00Z");
const iso = (date: Date | null) => date?.toISOString() ?? null;

Deno.test("the first occurrence is one interval after the anchor", () => {
  const cadence = intervalCadence(anchor, 300);
  assert.equal(iso(cadence.next(anchor)), "2025-01-01T00:05:00.000Z");
  assert.equal(iso(cadence.next(new Date("2025-01-01T00:04:59.999Z"))), "2025-01-01T00:05:00.000Z");
});

Deno.test("before the anchor, too, the first is one interval after it", () => {
  const cadence = intervalCadence(anchor, 300);
  assert.equal(iso(cadence.next(new Date("2024-12-31T23:59:00Z"))), "2025-01-01T00:05:00.000Z");
  assert.equal(iso(cadence.next(new Date(-8.64e15))), "2025-01-01T00:05:00.000Z");
});

Deno.test("where the anchor is an occurrence too, it is the first", () => {
  const cadence = intervalCadence(anchor, 300, { atAnchor: true });
  assert.equal(iso(cadence.next(new Date(-8.64e15))), "2025-01-01T00:00:00.000Z");
  assert.equal(iso(cadence.next(new Date(anchor.getTime() - 1))), "2025-01-01T00:00:00.000Z");
  assert.equal(iso(cadence.next(anchor)), "2025-01-01T00:05:00.000Z");
});

Deno.test("an occurrence is strictly after the instant that is asked about", () => {
  const cadence = intervalCadence(anchor, 300);
  assert.equal(iso(cadence.next(new Date("2025-01-01T00:05:00Z"))), "2025-01-01T00:10:00.000Z");
});

Deno.test("a million intervals later nothing has drifted", () => {
  for (const seconds of [0.1, 1 / 3, 0.7, 1.1, 59.9, 300]) {
    const cadence = intervalCadence(anchor, seconds);
    const expected = Math.round(anchor.getTime() + 1_000_000 * seconds * 1000);
    assert.equal(cadence.next(new Date(expected - 1))?.getTime(), expected, `every ${seconds} s`);
  }
});

Deno.test("a third of a second keeps three occurrences to the second", () => {
  const cadence = intervalCadence(new Date(0), 1 / 3);
  const times: number[] = [];
  for (let at = new Date(0); times.length < 6;) {
    at = cadence.next(at) ?? at;
    times.push(at.getTime());
  }
  assert.deepEqual(times, [333, 667, 1000, 1333, 1667, 2000]);
});

Deno.test("an interval under a millisecond is due every millisecond", () => {
  for (const seconds of [0.000_9, 1e-9, Number.MIN_VALUE]) {
    const cadence = intervalCadence(new Date(0), seconds);
    assert.equal(cadence.next(new Date(0))?.getTime(), 1);
    assert.equal(cadence.next(new Date(1))?.getTime(), 2);
    assert.equal(cadence.next(new Date(1e12))?.getTime(), 1e12 + 1);
  }
});

Deno.test("an interval that ends past the last date has no occurrence", () => {
  assert.equal(intervalCadence(anchor, 1e300).next(anchor), null);
  assert.equal(intervalCadence(anchor, Number.MAX_VALUE).next(anchor), null);
  assert.equal(intervalCadence(anchor, 1).next(new Date(8.64e15)), null);
  assert.equal(intervalCadence(new Date(8.64e15), 0.001).next(anchor), null);
});

const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

Deno.test("the longest interval that fits has one occurrence, in the year 9999", () => {
  const cadence = intervalCadence(new Date(0), LAST_MS / 1000);
  assert.equal(cadence.next(new Date(0))?.getTime(), LAST_MS);
  assert.equal(cadence.next(new Date(LAST_MS)), null);
  assert.equal(intervalCadence(new Date(0), LAST_MS / 1000 + 1).next(new Date(0)), null);
});

Deno.test("from the first date to the last, a millisecond's interval is answered at once", () => {
  const cadence = intervalCadence(new Date(-8.64e15), 0.001);
  assert.ok((cadence.next(new Date(LAST_MS - 9))?.getTime() ?? 0) > LAST_MS - 9);
  assert.equal(cadence.next(new Date(LAST_MS)), null);
});

Deno.test("what is no positive number of seconds is refused", () => {
  for (const seconds of [0, -1, -0, NaN, Infinity, -Infinity]) {
    assert.throws(() => intervalCadence(anchor, seconds), RangeError, String(seconds));
  }
});

Deno.test("an invalid date is refused, as anchor and as question", () => {
  assert.throws(() => intervalCadence(new Date(NaN), 1), RangeError);
  assert.throws(() => intervalCadence(anchor, 1).next(new Date(NaN)), RangeError);
});

Deno.test("the anchor is read once, so that changing it later changes nothing", () => {
  const moved = new Date(0);
  const cadence = intervalCadence(moved, 1);
  moved.setTime(500);
  assert.equal(cadence.next(new Date(0))?.getTime(), 1000);
});

Deno.test("for any anchor, interval and instant: the first of anchor + k × interval after it", () => {
  const instants = fc.integer({ min: -1e13, max: 1e13 }); // some 300 years each way
  fc.assert(fc.property(
    instants,
    fc.oneof(fc.double({ min: 0.001, max: 1e7, noNaN: true }), fc.integer({ min: 1, max: 1e6 })),
    fc.oneof(instants, fc.integer({ min: -1e10, max: 1e10 })),
    (start, seconds, offset) => {
      const after = Math.abs(offset) <= 1e10 ? start + offset : offset;
      const cadence = intervalCadence(new Date(start), seconds);
      const due = cadence.next(new Date(after))?.getTime();
      assert.ok(due !== undefined && due > after);
      const k = Math.round((due - start) / (seconds * 1000));
      const at = (n: number) => Math.round(start + n * (seconds * 1000)) + 0; // never -0
      assert.equal(due, at(k));
      assert.ok(k === 1 || at(k - 1) <= after, "none is passed over");
      assert.equal(cadence.next(new Date(due - 1))?.getTime(), due);
    },
  ));
});
