import assert from "node:assert/strict";
import { FrameReader, writeFrames } from "../../lib/expansion/expansion_frames.ts";
import { MAX_REPLY_BYTES } from "../../lib/expansion/expansion_protocol.ts";

const SECRET = "0b5f3c1e-secret";

function readAll(text: string, step: number) {
  const replies: string[] = [];
  const printed: string[] = [];
  const decoder = new TextDecoder();
  const reader = new FrameReader(SECRET, {
    onReply: (reply) => replies.push(decoder.decode(reply)),
    onPrinted: (line) => printed.push(decoder.decode(line)),
  });
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  for (let at = 0; at < bytes.length; at += step) reader.feed(bytes.subarray(at, at + step));
  reader.end();
  return { replies, printed };
}

/** The lines of a reply, a character for each byte. */
function frames(reply: string): string[] {
  return [...writeFrames(new TextEncoder().encode(reply), SECRET)].map((line) => {
    assert.ok(line.length <= 4096, `${line.length} bytes`);
    return String.fromCharCode(...line);
  });
}

Deno.test("a reply of any length and alphabet comes out as it went in, however it is cut", () => {
  for (const reply of ["d", "é✓😀".repeat(5000), "x".repeat(4079), "x".repeat(4080), "a😀"]) {
    for (const step of [1, 7, 4096, 1_000_000]) {
      assert.deepEqual(readAll(frames(reply).join(""), step), { replies: [reply], printed: [] });
    }
  }
});

Deno.test("what is printed between the lines of a reply comes out as printed", () => {
  const reply = "é".repeat(5000);
  const text = `first\nno break${frames(reply).join("printed\nand ")}${frames("d").join("")}last`;
  const { replies, printed } = readAll(text, 100);
  assert.deepEqual(replies, [reply, "d"]);
  assert.deepEqual(printed, ["first", "no break", "printed", "and ", "printed", "and ", "last"]);
});

Deno.test("what looks like a reply without the secret is printed", () => {
  const { replies, printed } = readAll("another-secret.d\n x0b5f3c1e-secret.d\n", 1000);
  assert.deepEqual(replies, []);
  assert.deepEqual(printed, ["another-secret.d", " x0b5f3c1e-secret.d"]);
});

Deno.test("a line without an end is cut instead of kept", () => {
  const { replies, printed } = readAll(`${"x".repeat(50_000)}${frames("d").join("")}after`, 1000);
  assert.deepEqual(replies, ["d"]);
  assert.equal(printed.length, 2);
  assert.ok(printed[0]!.length < 10_000);
  assert.equal(printed[1], "after");
});

Deno.test("a reply without an end is told of in pieces, not collected", () => {
  const { replies } = readAll(frames("x".repeat(2 * MAX_REPLY_BYTES)).join(""), 65_536);
  assert.ok(replies.length > 1);
  for (const { length } of replies) assert.ok(length <= MAX_REPLY_BYTES + 4096, `${length} bytes`);
});

Deno.test("reading costs by the byte and by the line, and replies cost nothing", () => {
  const reader = new FrameReader(SECRET, { onReply() {}, onPrinted() {} });
  const cost = (text: string) => reader.feed(new TextEncoder().encode(text));
  assert.equal(cost(frames("d").join("").slice(1)), 0);
  assert.ok(cost("\n".repeat(1000)) >= 10_000);
  assert.ok(cost("x".repeat(100_000)) >= 8192);
  assert.equal(cost("x".repeat(100_000)), 100_000);
});
