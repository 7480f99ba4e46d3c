/** Watches a scheduler for a while: a scraper, three pages, a status request a second. */
import { connect } from "../helpers/nats_client.ts";

const [natsUrl, httpUrl, milliseconds] = Deno.args as [string, string, string];
const client = await connect({ servers: natsUrl });
const closing = new AbortController();
const times = { status: [] as number[], metrics: [] as number[] };

async function page() {
  const { body } = await fetch(`${httpUrl}events`, { signal: closing.signal });
  for await (const _ of body!);
}

async function each(kind: keyof typeof times, ask: () => Promise<unknown>) {
  while (!closing.signal.aborted) {
    const began = performance.now();
    await ask();
    times[kind].push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

const work = [
  ...[page(), page(), page()],
  each("metrics", async () => (await fetch(`${httpUrl}metrics`)).text()),
  each("status", () => client.request("heddle.scheduler.watched", '{"action":"status"}')),
];
for (const each of work) each.catch(() => {});
await new Promise((resolve) => setTimeout(resolve, Number(milliseconds)));
console.log(JSON.stringify(times));
Deno.exit(0);
