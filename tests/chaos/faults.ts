/**
 * What is done to a world: each fault ends with everything healed, but for what the program has to
 * mend itself.
 *
 * @module
 */
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "../helpers/nats_client.ts";
import { join } from "node:path";
import { eventually } from "../helpers/eventually.ts";
import { runProgram } from "../helpers/program.ts";
import { type Replica, STREAM, type World } from "./world.ts";

export interface Context {
  readonly world: World;
  /** From 0 to 1. */
  random(): number;
  /** Notes that something is out of order, or was since `from`, in milliseconds since the epoch. */
  disturbed(from?: number): void;
}

export type Fault = (context: Context) => Promise<void>;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)]!;
}

/** Mostly one that holds a lease: a follower's end is no test. */
function victim({ world, random }: Context): Replica {
  const holders = world.replicas.filter(({ leases }) => leases > 0);
  return pick(holders.length > 0 && random() < 0.85 ? holders : world.replicas, random);
}

const ttlOf = ({ world }: Context) => world.options.leaseTtl * 1000;

async function kill(context: Context): Promise<void> {
  const replica = victim(context);
  context.disturbed();
  replica.signal("SIGKILL");
  await replica.ended();
  await sleep(context.random() * ttlOf(context));
  replica.start();
}

async function terminate(context: Context): Promise<void> {
  const replica = victim(context);
  context.disturbed();
  replica.signal("SIGTERM");
  await replica.ended();
  replica.start();
}

async function stop(context: Context): Promise<void> {
  const replica = victim(context);
  context.disturbed();
  replica.signal("SIGSTOP");
  await sleep((1 + 2 * context.random()) * ttlOf(context));
  replica.signal("SIGCONT");
}

/** Stopped until shortly before its lease ends, and then on a line that has become slow. */
async function doze(context: Context): Promise<void> {
  const replica = victim(context);
  const ttl = ttlOf(context);
  const before = replica.renewals;
  await eventually("a renewal", () => replica.renewals > before || replica.leases === 0, ttl)
    .catch(() => {});
  context.disturbed();
  replica.signal("SIGSTOP");
  await sleep(ttl * (0.93 + 0.05 * context.random()));
  for (const line of replica.lines) line.delay = ttl * 0.12;
  replica.signal("SIGCONT");
  await sleep(ttl / 2);
  for (const line of replica.lines) line.heal();
}

async function partition(context: Context): Promise<void> {
  const replica = victim(context);
  const directions = pick([["up", "down"], ["up"], ["down"]] as const, context.random);
  context.disturbed();
  for (const line of replica.lines) for (const each of directions) line.dropped.add(each);
  await sleep((0.5 + 2 * context.random()) * ttlOf(context));
  for (const line of replica.lines) line.heal();
}

async function cut(context: Context): Promise<void> {
  const replica = victim(context);
  context.disturbed();
  for (const line of replica.lines) line.cut();
  await sleep(100);
}

async function slowLine(context: Context): Promise<void> {
  const replica = victim(context);
  context.disturbed();
  for (const line of replica.lines) line.delay = ttlOf(context) * 0.12 * context.random();
  await sleep(2 * ttlOf(context));
  for (const line of replica.lines) line.heal();
}

async function restartServer(context: Context): Promise<void> {
  const [server] = context.world.servers;
  context.disturbed();
  await server!.kill("SIGTERM");
  await sleep(context.random() * 2 * ttlOf(context));
  await server!.start();
  await backAgain(context);
}

/** Stopped between what it has read and what it would have answered, and killed so. */
async function killServerWhileAcknowledging(context: Context): Promise<void> {
  const [server] = context.world.servers;
  context.disturbed();
  await sleep(1000 - Date.now() % 1000 + 2 + context.random() * 5); // in the burst of the second
  server!.signal("SIGSTOP");
  await sleep(50 + context.random() * 300);
  await server!.kill("SIGKILL");
  await sleep(context.random() * 1000);
  await server!.start();
  await backAgain(context);
}

/** Waits until a replica is connected to the server that was away. */
async function backAgain(context: Context): Promise<void> {
  const count = () =>
    context.world.replicas.reduce(
      (sum, each) => sum + each.log("bus.reconnected").length + each.log("bus.connected").length,
      0,
    );
  const before = count();
  const from = Date.now();
  await eventually("a replica is back", () => count() > before, 40_000).catch(() => {});
  context.disturbed(from);
}

async function skewClock(context: Context): Promise<void> {
  await pick(context.world.replicas, context.random).setClock(
    Math.round((context.random() - 0.5) * 2 * CLOCK_SKEW),
  );
  context.disturbed();
}

/** How far apart two clocks may be: half of it each, in milliseconds. */
export const CLOCK_SKEW = 300;

async function reload(context: Context): Promise<void> {
  const { world } = context;
  await world.addEntry();
  context.disturbed();
  await runProgram(["reload", "--every-actor", "--nats-url", world.url]);
}

async function killNode(context: Context): Promise<void> {
  const server = pick(context.world.servers, context.random);
  context.disturbed();
  await server.kill();
  await sleep(1000 + context.random() * 3000);
  await server.start();
  await settled(context);
}

/** A new machine takes the place of one that is lost with all its files. */
async function replaceNode(context: Context): Promise<void> {
  const server = pick(context.world.servers, context.random);
  context.disturbed();
  await server.kill();
  await Deno.remove(join(server.directory, "jetstream"), { recursive: true });
  await server.start();
  await settled(context);
}

/** Moves the leader of the meta group, of the stream, or of the bucket. */
async function moveLeader(context: Context): Promise<void> {
  const { world, random } = context;
  const subject = pick([
    "$JS.API.META.LEADER.STEPDOWN",
    `$JS.API.STREAM.LEADER.STEPDOWN.${STREAM}`,
    "$JS.API.STREAM.LEADER.STEPDOWN.KV_heddle-scheduler",
  ], random);
  context.disturbed();
  const user = subject.includes("META") ? { user: "sys", pass: "sys" } : {};
  const client = await connect({ servers: world.url.split(","), ...user });
  await client.request(subject, "", { timeout: 5000 }).catch(() => {});
  await client.close();
  await settled(context);
}

/** A cluster without a leader is no fit holder's fault. */
async function settled(context: Context): Promise<void> {
  const from = Date.now();
  const servers = context.world.url.split(",");
  const client = await connect({ servers, timeout: 5000 });
  const system = await connect({ servers, timeout: 5000, user: "sys", pass: "sys" });
  let seen = "";
  const areCurrent = async () => {
    const states = [
      await metaState(system),
      await streamState(client, STREAM),
      await streamState(client, "KV_heddle-scheduler"),
    ];
    seen = states.map((state) => JSON.stringify(state)).join(", ");
    return states.every(isCurrent);
  };
  try {
    await eventually("every copy is current", areCurrent, 60_000);
  } catch (cause) {
    throw new Error(`The last state that was seen: ${seen}`, { cause });
  }
  await client.close();
  await system.close();
  context.disturbed(from);
}

/** What a server tells of a group of copies, or why it does not. */
interface GroupState {
  leader?: string;
  replicas?: { current: boolean }[];
  error?: unknown;
}

function isCurrent({ leader, replicas = [] }: GroupState): boolean {
  return Boolean(leader) && replicas.length > 0 && replicas.every(({ current }) => current);
}

async function streamState(client: NatsConnection, stream: string): Promise<GroupState> {
  try {
    const reply = await client.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: 1000 });
    const { cluster, error } = reply.json<{ cluster?: GroupState; error?: unknown }>();
    return cluster ?? { error };
  } catch (error) {
    return { error: String(error) };
  }
}

/**
 * Where the group that keeps the list of the streams is left behind, a node that loses its files
 * next takes the list with it.
 */
async function metaState(client: NatsConnection): Promise<GroupState> {
  try {
    const request = JSON.stringify({ leader_only: true });
    const reply = await client.request("$SYS.REQ.SERVER.PING.JSZ", request, { timeout: 1000 });
    return reply.json<{ data: { meta_cluster?: GroupState } }>().data.meta_cluster ?? {};
  } catch (error) {
    return { error: String(error) };
  }
}

/** How often each is chosen, for a single server. */
const SINGLE: readonly (readonly [Fault, number])[] = [
  [kill, 4],
  [terminate, 3],
  [stop, 4],
  [doze, 3],
  [partition, 4],
  [cut, 1],
  [slowLine, 1],
  [restartServer, 1],
  [killServerWhileAcknowledging, 2],
  [skewClock, 1],
  [reload, 1],
];

const CLUSTER: readonly (readonly [Fault, number])[] = [
  [kill, 2],
  [terminate, 1],
  [stop, 1],
  [partition, 1],
  [killNode, 3],
  [replaceNode, 2],
  [moveLeader, 3],
];

/** The faults of a run, each as often as it is to be chosen. */
export function faultsOf(isCluster: boolean): readonly Fault[] {
  return (isCluster ? CLUSTER : SINGLE).flatMap(([fault, weight]) => Array(weight).fill(fault));
}
