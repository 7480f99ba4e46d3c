import { connect } from "../helpers/nats_client.ts";
import { jetstreamManager } from "@nats-io/jetstream";
import { shardOf } from "../../lib/durable/shards.ts";
import { eventually } from "../helpers/eventually.ts";
import { CLOCK_SKEW, type Context, faultsOf } from "./faults.ts";
import { type Disturbance, judge, type Stored, type Verdict } from "./verdict.ts";
import { STREAM, World, type WorldOptions } from "./world.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

export interface ChaosOptions extends WorldOptions {
  /** Which faults come when depends on it alone. */
  seed: number;
  faults: number;
  /** Only the faults of this name. Default: all kinds. */
  only?: string;
  say(line: string): void;
}

export interface ChaosReport extends Verdict {
  /** How often a lease went from one holder to the next. */
  readonly failovers: number;
  readonly messages: number;
  /** What the replicas said of their leases, by time. */
  readonly leaseLog: readonly string[];
}

/** The world is left alone for so long at the end, in TTLs, so that what is due has come. */
const QUIET = 3;
/** A publish that a cluster drops with its leader is sent again after so long, in milliseconds. */
const LOST_WITH_LEADER = 4000;

/** Runs the replicas through the faults, and judges the stream afterwards. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = mulberry32(options.seed);
  const ttl = options.leaseTtl * 1000;
  await using world = await World.start(options);
  const from = Date.now() + 2000;
  const disturbances: Disturbance[] = [];
  const disturbed = (from = Date.now()) => void disturbances.push({ from, until: Date.now() });
  disturbed();
  const context: Context = { world, random, disturbed };
  const { only } = options;
  const faults = faultsOf(options.isCluster).filter(({ name }) => (only ?? name) === name);
  if (faults.length === 0) throw new Error(`No such fault: ${only}`);
  await sleep(ttl);
  for (let count = 1; count <= options.faults; count++) {
    const fault = faults[Math.floor(random() * faults.length)]!;
    const holders = world.replicas.filter(({ leases }) => leases > 0).map(({ name }) => name);
    options.say(
      `${new Date().toISOString()} ${count}/${options.faults} ${fault.name} (leases: ${
        holders.join(" ") || "free"
      })`,
    );
    await fault(context);
    disturbed();
    await sleep((0.3 + 1.7 * random()) * ttl);
  }
  await eventually(
    "all leases are held",
    () => world.replicas.reduce((sum, { leases }) => sum + leases, 0) === options.shards,
    30_000,
  );
  disturbed();
  await sleep(QUIET * ttl + 1000);
  const until = Date.now() - 1500 - CLOCK_SKEW;
  const messages = await readStream(world.url, options.shards);
  const verdict = judge({
    messages,
    promises: world.promises,
    from,
    until,
    disturbances,
    allowedLateness: ttl + 1000 + CLOCK_SKEW + (options.isCluster ? LOST_WITH_LEADER : 0),
  });
  const acquired = world.replicas.reduce(
    (sum, replica) => sum + replica.log("scheduler.lease_acquired").length,
    0,
  );
  const leaseLog = world.replicas.flatMap((replica) => replica.leaseLog).toSorted();
  const failovers = acquired - options.shards;
  return { ...verdict, failovers, messages: messages.length, leaseLog };
}

async function readStream(url: string, shards: number): Promise<Stored[]> {
  const client = await connect({ servers: url.split(",") });
  const manager = await jetstreamManager(client);
  const { state: { first_seq, last_seq } } = await manager.streams.info(STREAM);
  const stored: Stored[] = [];
  const next = async (seq: number) => {
    const message = await manager.streams.getMessage(STREAM, { seq });
    if (message === null) throw new Error(`Message ${seq} is gone`);
    holdToSchema(message.subject, message.json());
    const schedule = message.header.get("Heddle-Schedule");
    return {
      schedule,
      scheduledFor: Date.parse(message.header.get("Heddle-Scheduled-For")),
      storedAt: message.time.getTime(),
      term: Number(message.header.get("Heddle-Term")),
      shard: shardOf(schedule, shards),
    };
  };
  for (let seq = first_seq; seq <= last_seq; seq += 100) {
    const count = Math.min(100, last_seq - seq + 1);
    stored.push(...await Promise.all(Array.from({ length: count }, (_, at) => next(seq + at))));
  }
  await client.close();
  return stored;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Tommy Ettinger's generator: the same numbers for the same seed. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
