import assert from "node:assert/strict";
import { fc } from "../deps.ts";
import { DueQueue } from "../../lib/engine/due_queue.ts";

Deno.test("an empty queue is never due", () => {
  const queue = new DueQueue();
  assert.equal(queue.nextDue, Infinity);
  assert.equal(queue.takeDue(Infinity), null);
});

Deno.test("nothing comes out before it is due", () => {
  const queue = new DueQueue();
  queue.add(0, 1000);
  assert.equal(queue.takeDue(999), null);
  assert.equal(queue.takeDue(1000), 0);
  assert.equal(queue.takeDue(1000), null);
});

Deno.test("what is due comes out in due order, and in file order at the same instant", () => {
  const dues = fc.array(fc.integer({ min: 0, max: 50 }));
  fc.assert(fc.property(dues, fc.boolean(), (dues, atOnce) => {
    const queue = new DueQueue(atOnce ? dues : []);
    if (!atOnce) dues.forEach((due, item) => queue.add(item, due));
    const taken = [];
    for (let item; (item = queue.takeDue(25)) !== null;) taken.push(item);
    const expected = dues.map((due, item) => ({ due, item }))
      .filter(({ due }) => due <= 25)
      .sort((a, b) => a.due - b.due || a.item - b.item)
      .map(({ item }) => item);
    assert.deepEqual(taken, expected);
    assert.equal(queue.size, dues.length - taken.length);
  }));
});

Deno.test("what is due next is all that is due at the earliest instant, and stays in", () => {
  const dues = fc.array(fc.integer({ min: 0, max: 5 }));
  fc.assert(fc.property(dues, (dues) => {
    const queue = new DueQueue(dues);
    const earliest = Math.min(...dues);
    const expected = dues.flatMap((due, item) => due === earliest ? [item] : []);
    assert.deepEqual(queue.dueNext().sort((a, b) => a - b), expected);
    assert.equal(queue.size, dues.length);
  }));
});
