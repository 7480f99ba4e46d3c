/**
 * The fault harness, by hand: `deno task chaos --faults 300 --seed 7`. With `--break` it runs a copy
 * of the program with a fault in its code, and must fail.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BREAKS, breakSource } from "./breaks.ts";
import { runChaos } from "./run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      faults: { type: "string", default: "300" },
      ttl: { type: "string", default: "1" },
      replicas: { type: "string", default: "3" },
      shards: { type: "string", default: "1" },
      cluster: { type: "boolean", default: false },
      only: { type: "string" },
      break: { type: "string" },
    },
  });
  const seed = Number(values.seed);
  console.log(`seed ${seed}`);
  const source = values.break === undefined ? ROOT : await breakSource(ROOT, values.break);
  const started = performance.now();
  const report = await runChaos({
    seed,
    faults: Number(values.faults),
    leaseTtl: Number(values.ttl),
    replicas: Number(values.replicas),
    shards: Number(values.shards),
    isCluster: values.cluster,
    only: values.only,
    source,
    say: (line) => console.log(line),
  });
  const minutes = (performance.now() - started) / 60_000;
  if (report.faults.length > 0) console.log(report.leaseLog.join("\n"));
  for (const fault of report.faults.slice(0, 20)) console.log(`FAULT ${fault}`);
  console.log(
    `${report.faults.length} broken promises in ${report.messages} messages; ` +
      `${report.failovers} failovers in ${minutes.toFixed(1)} min; ` +
      `worst lateness that no fault explains ${report.worstLateness} ms`,
  );
  if (values.break !== undefined) await Deno.remove(source, { recursive: true });
  return report.faults.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(error);
    console.error(`--break is one of: ${Object.keys(BREAKS).join(", ")}`);
    Deno.exit(2);
  }
}
