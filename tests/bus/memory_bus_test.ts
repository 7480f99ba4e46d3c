import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { testBusConformance } from "../../lib/testing/bus_conformance.ts";

testBusConformance("memory bus", async (test) => {
  const bus = new MemoryBus({ logger: new LogRecorder() });
  await test(async () => {
    await bus.connect();
    return bus;
  });
  await bus.close();
});

Deno.test("memory bus: a queue group takes turns", async () => {
  const bus = new MemoryBus({ logger: new LogRecorder() });
  const seen: string[] = [];
  const read = ["first", "second"].map(async (name) => {
    const subscription = await bus.subscribe("a", { queueGroup: "g" });
    for await (const { data } of subscription) seen.push(`${name} ${data.n}`);
  });
  await bus.connect();
  for (let n = 0; n < 4; n++) await bus.publish("a", { n });
  await bus.close();
  await Promise.all(read);
  assert.deepEqual(seen.sort(), ["first 0", "first 2", "second 1", "second 3"]);
});
