import assert from "node:assert/strict";
import { ControlError } from "../../lib/control/control_request.ts";
import { deadlineOf } from "../../lib/control/request_age.ts";

const NOW = Date.parse("2026-03-01T08:00:00.000Z");

/** The request's instant, its time-out, and until when it may be carried out, or what is wrong. */
const ROWS: [sentAt: string | undefined, timeout: number | undefined, RegExp | number | null][] = [
  [undefined, undefined, null],
  [undefined, 5000, 5000],
  ["2026-03-01T08:00:00.000Z", 60_000, 60_000],
  ["2026-03-01T07:59:50.000Z", 60_000, 50_000],
  ["2026-03-01T08:59:50+01:00", 60_000, 50_000],
  ["2026-03-01T07:59:50Z", undefined, 50_000],
  ["2026-03-01T07:59:00.000Z", 60_000, 0],
  ["2026-03-01T07:58:59.900Z", 60_000, /^Nothing was fired: the request was sent 60\.1 s ago, and/],
  ["2026-03-01T07:58:00.000Z", 60_000, /was sent 120 s ago, and its time-out is 60 s$/],
  ["2026-03-01T07:57:59.900Z", 60_000, /seem to differ by about 120\.1 s$/],
  ["2026-03-01T07:58:00Z", undefined, /its time-out is 60 s$/],
  ["2025-03-01T08:00:00Z", 60_000, /more than twice its time-out, .* differ by about 31536000 s$/],
  ["2026-03-01T08:00:00.900Z", 60_000, 60_000],
  ["2026-03-01T08:00:01.000Z", 60_000, 60_000],
  ["2026-03-01T08:00:01.100Z", 60_000, /"sent_at" lies 1\.1 s ahead .* differ by about 1\.1 s$/],
];

for (const [sentAt, timeout, expected] of ROWS) {
  Deno.test(`a request to fire of ${sentAt}, with a time-out of ${timeout} ms, at 08:00`, () => {
    const request = { action: "fire", entry: "a", sent_at: sentAt, timeout_ms: timeout } as const;
    if (!(expected instanceof RegExp)) {
      const until = deadlineOf(request, NOW);
      return assert.equal(until === undefined ? null : until - NOW, expected);
    }
    assert.throws(() => deadlineOf(request, NOW), (error) => {
      assert.ok(error instanceof ControlError);
      assert.equal(error.code, "expired");
      assert.match(error.message, expected);
      return true;
    });
  });
}
