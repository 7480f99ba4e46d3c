import { fc } from "../deps.ts";
import assert from "node:assert/strict";
import { WaitingList } from "../../lib/engine/waiting_list.ts";
import type { Due } from "../../lib/schedule/occurrences.ts";
import { dueAt } from "../helpers/jobs.ts";

Deno.test("what waits comes back as it was, oldest first", () => {
  const list = new WaitingList();
  const first = dueAt(1000, { fireAt: 1500, passedOverSince: 200 });
  const second = dueAt(2000);
  list.push(first);
  list.push(second);
  assert.deepEqual([list.size, list.oldest, list.fireAt, list.newest], [2, 1000, 1500, 2000]);
  assert.deepEqual(list.shift(), first);
  assert.deepEqual([list.size, list.oldest, list.fireAt, list.newest], [1, 2000, 2000, 2000]);
  assert.deepEqual(list.shift(), second);
  assert.equal(list.shift(), null);
});

Deno.test("of an empty list nothing is oldest or newest", () => {
  const list = new WaitingList();
  for (let round = 0; round < 2; round++) {
    assert.deepEqual([list.size, list.oldest, list.fireAt], [0, Infinity, Infinity]);
    assert.equal(list.newest, -Infinity);
    list.push(dueAt(1));
    list.shift();
  }
});

Deno.test("what was put back comes before all others", () => {
  const list = new WaitingList();
  for (const instant of [1, 2, 3, 4]) list.push(dueAt(instant));
  list.shift();
  list.shift();
  list.unshift(dueAt(2, { passedOverSince: 1 }));
  assert.deepEqual([list.size, list.oldest], [3, 2]);
  assert.deepEqual([2, 3, 4].map(() => list.shift()!.scheduledFor), [2, 3, 4]);
});

Deno.test("a list that was cleared has forgotten everything", () => {
  const list = new WaitingList();
  list.push(dueAt(1));
  list.push(dueAt(2));
  list.shift();
  list.covers = 5;
  list.clear();
  assert.deepEqual([list.size, list.covers, list.shift()], [0, -Infinity, null]);
  list.push(dueAt(3));
  assert.deepEqual([list.size, list.oldest], [1, 3]);
});

Deno.test("whatever comes and goes, it is a queue", () => {
  const step = fc.constantFrom("push", "push", "unshift", "shift", "shift", "clear");
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const list = new WaitingList();
    const model: Due[] = [];
    let newest = 1000;
    let oldest = 1000;
    for (const each of steps) {
      if (each === "push") {
        const due = dueAt(newest++, newest % 2 === 0 ? { passedOverSince: 7 } : {});
        list.push(due);
        model.push(due);
      } else if (each === "unshift") {
        const due = dueAt(--oldest, { fireAt: newest });
        list.unshift(due);
        model.unshift(due);
      } else if (each === "shift") {
        assert.deepEqual(list.shift(), model.shift() ?? null);
      } else {
        list.clear();
        model.length = 0;
      }
      assert.equal(list.size, model.length);
      assert.equal(list.oldest, model[0]?.scheduledFor ?? Infinity);
      assert.equal(list.fireAt, model[0]?.fireAt ?? Infinity);
      assert.equal(list.newest, model.at(-1)?.scheduledFor ?? -Infinity);
    }
  }));
});
