/** Long work in slices, on the real clock and a real socket: nothing else is kept waiting. */
import assert from "node:assert/strict";
import { Slice } from "../../lib/time/slice.ts";
import { systemClock } from "../../lib/time/clock.ts";

/** Works without a rest until `isDone`, and returns how many pauses that took. */
async function pausesUntil(isDone: () => boolean, most: number): Promise<number> {
  const slice = new Slice(systemClock);
  let pauses = 0;
  while (!isDone() && pauses < most) {
    if (!slice.isOver()) continue;
    await slice.pause();
    pauses++;
  }
  return pauses;
}

Deno.test("a socket is served in the pauses of a long work", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const echo = (async () => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(1);
    while (await connection.read(buffer) !== null) await connection.write(buffer);
  })();
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  for (let round = 0; round < 3; round++) {
    let isAnswered = false;
    await connection.write(new Uint8Array(1));
    const answer = connection.read(new Uint8Array(1)).then(() => isAnswered = true);
    const pauses = await pausesUntil(() => isAnswered, 1000);
    assert.ok(pauses <= 10, `there and back took ${pauses} pauses`);
    await answer;
  }
  connection.close();
  await echo;
});

Deno.test("a timer fires in the pauses of a long work", async () => {
  let hasFired = false;
  const timer = setTimeout(() => hasFired = true, 20);
  const pauses = await pausesUntil(() => hasFired, 1000);
  clearTimeout(timer);
  assert.ok(pauses <= 10, `20 ms took ${pauses} pauses`);
});
