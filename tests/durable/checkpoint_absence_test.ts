/** Entries that are taken out of the file for a while: on a manual clock. */
import assert from "node:assert/strict";
import { ALL, DAY, HEALTH, HOUR, NIGHTLY, setUp, START, stateOf } from "./checkpoints.ts";

const LAST = START + 2 * HOUR;

/** A nightly entry that fired once; then 14 days. */
async function fired() {
  const all = setUp();
  const first = all.checkpoints();
  await first.open(ALL, [NIGHTLY, HEALTH], null);
  await all.advance(3 * HOUR);
  first.of("nightly")!.done(LAST);
  await first.flush();
  return { ...all, first };
}

Deno.test("an entry that a scheduler worked without returns as new, and keeps what fired last", async () => {
  const { checkpoints, advance, written } = await fired();
  const without = checkpoints();
  await without.open(ALL, [HEALTH], null);
  const absentSince = START + 3 * HOUR;
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, LAST, absentSince]);
  await advance(14 * DAY);
  const next = checkpoints();
  await next.open(ALL, [NIGHTLY, HEALTH], null);
  const since = absentSince + 14 * DAY;
  const expected = { timing: NIGHTLY.timing, since, last: LAST, isNew: true };
  assert.deepEqual(stateOf(next, "nightly"), expected);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, since, LAST]);
});

Deno.test("an entry that nobody worked without goes on where it was", async () => {
  const { checkpoints, advance } = await fired();
  await advance(14 * DAY);
  const next = checkpoints();
  await next.open(ALL, [NIGHTLY, HEALTH], null);
  assert.deepEqual(stateOf(next, "nightly"), {
    timing: NIGHTLY.timing,
    since: START,
    last: LAST,
    isNew: false,
  });
});

Deno.test("a reload without the entry marks it, the next one with it begins it as new", async () => {
  const { first, advance, written } = await fired();
  const checkpoint = first.of("nightly")!;
  checkpoint.begun();
  await first.learn([HEALTH]);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, LAST, START + 3 * HOUR]);
  await advance(HOUR);
  await first.learn([HEALTH]);
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, LAST, START + 3 * HOUR]);
  await first.learn([NIGHTLY, HEALTH]);
  assert.equal(first.of("nightly"), checkpoint);
  assert.equal(checkpoint.isNew, true);
  assert.equal(checkpoint.since, START + 4 * HOUR);
});

Deno.test("while replicas have different schedules nothing is ended, and afterwards it is", async () => {
  const { checkpoints, advance, written } = await fired();
  const old = checkpoints();
  await old.open(ALL, [HEALTH], 1, { mayMark: false });
  await advance(40 * DAY);
  old.of("health")!.done(START + DAY);
  await old.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START, LAST], "nor is it forgotten");
  const young = checkpoints();
  await young.open(ALL, [NIGHTLY, HEALTH], 2, { mayMark: false });
  assert.equal(young.of("nightly")!.isNew, false);
  young.close(ALL);
  await old.open(ALL, [HEALTH], 3, { mayMark: false });
  await old.learn([HEALTH], { mayMark: true });
  assert.equal(written("nightly"), undefined, "it is older than a month");
});

Deno.test("a mark that an earlier version dropped counts as not there", async () => {
  const { checkpoints, written, put } = await fired();
  await checkpoints().open(ALL, [HEALTH], null);
  const [timing, since, last] = written("nightly") as unknown[];
  await put("nightly", { term: null, entries: { nightly: [timing, since, last] } });
  const next = checkpoints();
  await next.open(ALL, [NIGHTLY], null);
  assert.equal(next.of("nightly")!.isNew, false);
});

Deno.test("what another writes at the same time undoes no mark, and marks nothing that is there", async () => {
  const { checkpoints, advance, written } = await fired();
  const [without, with_] = [checkpoints(), checkpoints()];
  await without.open(ALL, [HEALTH], null);
  await with_.open(ALL, [NIGHTLY, HEALTH], null);
  await advance(HOUR);
  // Each of them knows another revision by now than the one that is there.
  const marked = START + 3 * HOUR;
  without.of("health")!.done(START + 1000);
  await without.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, marked, LAST], "it began anew since");
  with_.of("health")!.done(START + 2000);
  await with_.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, marked, LAST]);

  await without.learn([HEALTH]);
  with_.of("nightly")!.done(START + 4 * HOUR);
  await with_.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, marked, START + 4 * HOUR]);
  assert.equal(with_.of("nightly")!.isNew, true);
  without.of("health")!.done(START + 3000);
  await without.flush();
  const kept = written("nightly") as unknown[];
  assert.deepEqual(kept.slice(0, 3), [NIGHTLY.timing, marked, START + 4 * HOUR]);
});

Deno.test("an entry that began anew stays so, whatever was marked before that comes late", async () => {
  const { checkpoints, advance, written, put } = await fired();
  await checkpoints().open(ALL, [HEALTH], null);
  const marked = written("nightly");
  await advance(HOUR);
  const next = checkpoints();
  await next.open(ALL, [NIGHTLY, HEALTH], null);
  await put("nightly", { term: null, entries: { nightly: marked } });
  next.of("health")!.done(START + HOUR);
  await next.flush();
  assert.deepEqual(written("nightly"), [NIGHTLY.timing, START + 4 * HOUR, LAST]);
});
