import assert from "node:assert/strict";
import { expansionMemory } from "../../lib/expansion/expansion_memory.ts";

const MIB = 2 ** 20;
/** What the scheduler has of every limit. */
const SCHEDULER_MIB = 96;

const SHARES: [limitMiB: number, processes: number, eachMiB: number][] = [
  [64, 1, 48],
  [128, 1, 48],
  [176, 1, 80],
  [255, 1, 159],
  [256, 2, 80],
  [512, 5, 83],
  [1024, 8, 116],
  [2048, 8, 244],
  [4192, 8, 512],
  [65_536, 8, 512],
];

for (const [limitMiB, processes, eachMiB] of SHARES) {
  Deno.test(`of ${limitMiB} MiB ${processes} processes get ${eachMiB} MiB each`, () => {
    const memory = expansionMemory(limitMiB * MIB);
    assert.equal(memory.processes, processes);
    assert.equal(Math.floor(memory.processBytes / MIB), eachMiB);
  });
}

Deno.test("without a limit eight processes get 512 MiB each", () => {
  assert.deepEqual(expansionMemory(null), { processes: 8, processBytes: 512 * MIB });
});

Deno.test("all of them and the scheduler stay below any limit of 144 MiB and more", () => {
  for (let limit = 144 * MIB; limit < 6000 * MIB; limit += 777_777) {
    const { processes, processBytes } = expansionMemory(limit);
    assert.ok(SCHEDULER_MIB * MIB + processes * processBytes <= limit, `${limit}`);
    assert.ok(processBytes >= 48 * MIB);
  }
});
