/** Publishes many messages, one after another, and prints by how many bytes the heap has grown. */
import { NatsBus } from "../../../lib/bus/nats/nats_bus.ts";
import { usedHeap } from "../../bench/apart.ts";

const [url, count] = Deno.args;
const bus = new NatsBus({ servers: url! });
await bus.connect();
const publish = async (messages: number) => {
  for (let sent = 0; sent < messages; sent++) await bus.publish("memory", { sent });
};
await publish(2000);
const before = await usedHeap();
await publish(Number(count));
console.log(await usedHeap() - before);
await bus.close();
