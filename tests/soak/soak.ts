/**
 * Two replicas of the real program under the load of an ordinary day: 300 entries, expansions,
 * reloads, and somebody who asks for metrics. The stream then says what was lost and doubled, by
 * the clock alone.
 *
 * @module
 */
import { join } from "node:path";
import { shardOf } from "../../lib/durable/shards.ts";
import { judge, type Promised, type Stored } from "../chaos/verdict.ts";
import { Place, type Stored as Message } from "../helpers/durable_place.ts";
import type { Program, ProgramOptions } from "../helpers/program.ts";
import { type Sample, sample, troughs } from "./samples.ts";

/** How often each thing is done, in seconds. */
const SAMPLE_EVERY = 2, SCRAPE_EVERY = 5, RELOAD_EVERY = 15;
/** The longest time after which the same comes again, in seconds: it has an expansion of each. */
const CYCLE = 20;
/** What an expansion returns. */
const OBJECTS = 5;
/** Longer than a busy machine delays anything: what comes later counts as silence. */
const MAX_LATE_MS = 30_000;
/** What is due shortly before the end may be on its way. */
const LEFT_OUT_MS = 5000;
const SHARDS = 2;

export interface SoakOptions {
  minutes: number;
  /** The program to start. Default: from source. */
  executable?: string;
  say(line: string): void;
}

export interface Counts {
  lost: number;
  doubled: number;
  /** Any other promise that was broken. */
  other: string[];
}

export interface SoakReport extends Counts {
  readonly messages: number;
  readonly reloads: number;
  readonly scrapes: number;
  /** Milliseconds from the due instant to the stream's time stamp, ascending. */
  readonly lateness: readonly number[];
  /**
   * By the name of the replica, the least of each {@link CYCLE}; without the first quarter, in which
   * it warms up.
   */
  readonly samples: ReadonlyMap<string, Sample[]>;
  /** How often each event was logged as a warning or an error. */
  readonly complaints: ReadonlyMap<string, number>;
}

/** The entries of the file, and what each promises. */
export function entries(generation: number): { yaml: string[]; promises: Promised[] } {
  const yaml: string[] = [];
  const promises: Promised[] = [];
  const add = (count: number, kind: string, timing: string, seconds: number, what = "") => {
    for (let index = 0; index < count; index++) {
      const name = `${kind}-${index}`;
      // A reload changes what every tenth dispatches, and no instant.
      const payload = index % 10 === 0 ? `, payload: { generation: ${generation} }` : "";
      yaml.push(
        `name: ${name}, ${timing}, catch_up: all${what}, dispatch_type: task, ` +
          `task: { worker_type: w${payload} }`,
      );
      const names = what === ""
        ? [name]
        : Array.from({ length: OBJECTS }, (_, object) => `${name}/${object}`);
      const phase = timing.startsWith("cron") ? 0 : null;
      for (const schedule of names) {
        promises.push({ schedule, period: seconds * 1000, phase, isExact: true });
      }
    }
  };
  add(15, "second", 'cron: "* * * * * *"', 1);
  add(100, "ten", 'cron: "*/10 * * * * *"', 10);
  add(150, "minute", 'cron: "0 * * * * *"', 60);
  add(15, "interval", "interval_seconds: 5", 5);
  add(20, "expanded", `cron: "*/${CYCLE} * * * * *"`, CYCLE, ", expand_from: ./list.js#list");
  return { yaml, promises };
}

const MODULE =
  `export const list = () => Array.from({ length: ${OBJECTS} }, (_, object) => ({ object }));
`;

/** Counts what the stream lacks and has twice of everything due from `from` until `until`. */
export function countBroken(
  messages: readonly Stored[],
  promises: readonly Promised[],
  from: number,
  until: number,
): Counts {
  const { faults } = judge({
    ...{ messages, promises, from, until },
    disturbances: [],
    allowedLateness: MAX_LATE_MS,
  });
  const ending = (end: string) => faults.filter((fault) => fault.endsWith(end)).length;
  return {
    lost: ending("never came"),
    doubled: ending("came twice"),
    other: faults.filter((fault) => !/(never came|came twice)$/.test(fault)),
  };
}

/** Runs them for so long, and counts. */
export async function runSoak({ minutes, executable, say }: SoakOptions): Promise<SoakReport> {
  await using place = await Place.open(entries(0).yaml);
  await Deno.writeTextFile(join(place.directory, "list.js"), MODULE);
  const options: ProgramOptions = executable === undefined ? {} : { command: [executable] };
  const replicas = ["a", "b"].map((name) =>
    place.startWith(options, ...[
      ...["--replicas", "--replica-name", name, "--shards", String(SHARDS)],
      ...["--http", "0"],
    ])
  );
  const urls: string[] = [];
  for (const replica of replicas) {
    urls.push(String((await replica.logged("http.listening")).url));
    await replica.logged("scheduler.lease_acquired", 1, 30_000);
  }
  say(`two replicas run: ${urls.join(" ")}`);
  const began = performance.now();
  // Each first occurrence of an interval is a phase of its own, and comes within its period.
  const from = Date.now() + 6000;
  const samples = new Map<string, Sample[]>([["a", []], ["b", []]]);
  let scrapes = 0, reloads = 0;
  const scrape = async () => {
    for (const url of urls) {
      for (const path of ["/metrics", "/readyz"]) {
        const answer = await fetch(new URL(path, url));
        await answer.text();
        if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
      }
    }
    await place.ask({ action: "status" });
    scrapes++;
  };
  const reload = async () => {
    await place.write(entries(++reloads).yaml);
    (await place.client()).publish("heddle.control.reload", JSON.stringify({ action: "reload" }));
  };
  const measure = async () => {
    const at = (performance.now() - began) / 60_000;
    for (const [index, name] of ["a", "b"].entries()) {
      samples.get(name)!.push(await sample(replicas[index]!.pid, at));
    }
  };
  const seconds = Math.max(10, minutes * 60);
  for (let second = 1; second <= seconds; second++) {
    await sleepUntil(began + second * 1000);
    if (second % SCRAPE_EVERY === 0) await scrape();
    if (second % RELOAD_EVERY === 0) await reload();
    if (second % SAMPLE_EVERY === 0) await measure();
    if (second % 60 === 0) say(`${second / 60} min`);
  }
  const until = Date.now() - LEFT_OUT_MS;
  const messages = (await place.stored()).map(asJudged);
  await Promise.all(replicas.map(ended));
  return {
    ...countBroken(messages, entries(0).promises, from, until),
    messages: messages.length,
    ...{ reloads, scrapes, samples: withoutWarmUp(samples), complaints: complaintsOf(replicas) },
    lateness: messages.map((each) => each.storedAt - each.scheduledFor).toSorted((a, b) => a - b),
  };
}

/** Each object of an expansion counts as a schedule of its own. */
function asJudged({ schedule, scheduledFor, storedAt, term, data }: Message): Stored {
  const { object } = data.payload as { object?: number };
  return {
    schedule: object === undefined ? schedule : `${schedule}/${object}`,
    ...{ scheduledFor, storedAt, term: Number(term), shard: shardOf(schedule, SHARDS) },
  };
}

function withoutWarmUp(samples: ReadonlyMap<string, Sample[]>): Map<string, Sample[]> {
  return new Map(
    [...samples].map(([name, all]) => [
      name,
      troughs(all.slice(Math.floor(all.length / 4)), CYCLE / 60),
    ]),
  );
}

function complaintsOf(replicas: readonly Program[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { level, event } of replicas.flatMap((replica) => replica.log())) {
    if (level !== "warning" && level !== "error") continue;
    counts.set(event, (counts.get(event) ?? 0) + 1);
  }
  return counts;
}

async function ended(replica: Program): Promise<void> {
  replica.kill("SIGTERM");
  const code = await replica.exit();
  if (code !== 0) throw new Error(`A replica ended with exit code ${code}`);
}

const sleepUntil = (instant: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, instant - performance.now())));
