/**
 * One replica of the release before beside one of this source, with the leases handed both ways:
 * `deno task chaos:mixed`. Needs the repository's history, where the release's source is taken from.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { shardOf } from "../../lib/durable/shards.ts";
import { Place, sleep } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import type { Program } from "../helpers/program.ts";
import { type Disturbance, judge, type Promised } from "./verdict.ts";

/** The release before. */
export const BEFORE = "0b0f604040d0960bc62b25f88a4506335312aebb";
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/**
 * One each: the release before loses what is to be caught up with where a replica acquires two
 * leases at once.
 */
const SHARDS = 2;
const TTL_MS = 1000;

type Version = "old" | "new";

interface Entry extends Promised {
  readonly yaml: string;
}

/** Of every kind that the file has, so that both versions are to make one hash of it. */
function entries(): Entry[] {
  const second = `cron: "* * * * * *"`;
  const entry = (
    schedule: string,
    yaml: string,
    period: number,
    { isExact = true, phase = 0 as number | null } = {},
  ): Entry => ({ schedule, yaml: `name: ${schedule}, ${yaml}`, period, phase, isExact });
  const interval = { phase: null };
  return [
    ...["a", "b", "c", "d"].map((n) => entry(`all-${n}`, `${second}, catch_up: all`, 1000)),
    entry("zone", `${second}, timezone: Europe/Kyiv, catch_up: all`, 1000),
    entry("goal", `${second}, catch_up: all, dispatch_type: goal, goal: { instruction: x }`, 1000),
    entry("jitter", `cron: "*/2 * * * * *", jitter_seconds: 0.5, catch_up: all`, 2000),
    entry("end", `${second}, end_at: "2099-01-01T00:00:00Z", catch_up: all`, 1000),
    ...[0.5, 0.7, 1.3, 2].map((seconds, at) =>
      entry(
        `interval-${at}`,
        `interval_seconds: ${seconds}, catch_up: all`,
        seconds * 1000,
        interval,
      )
    ),
    entry("unset", second, 1000, { isExact: false }),
    entry("none", `${second}, catch_up: none`, 1000, { isExact: false }),
    entry("one", `${second}, catch_up: one, misfire_grace_seconds: 30`, 1000, { isExact: false }),
    entry("tenth", "interval_seconds: 0.1", 100, { isExact: false, phase: null }),
  ];
}

/** Whether the release's source can be had. */
export async function hasHistory(): Promise<boolean> {
  const { success } = await git("cat-file", "-e", `${BEFORE}^{commit}`);
  return success;
}

async function git(...args: string[]): Promise<Deno.CommandOutput> {
  return await new Deno.Command("git", { args, cwd: ROOT }).output();
}

/** Unpacks the release's source into `directory`. */
async function unpack(directory: string): Promise<void> {
  const archive = `${directory}.tar`;
  const { success, stderr } = await git("archive", "--output", archive, BEFORE);
  if (!success) {
    throw new Error(`Cannot get the source of ${BEFORE}: ${new TextDecoder().decode(stderr)}`);
  }
  await Deno.mkdir(directory);
  const tar = new Deno.Command("tar", { args: ["-xf", archive, "-C", directory] });
  if (!(await tar.output()).success) throw new Error(`Cannot unpack ${archive}`);
}

export interface MixedReport {
  readonly faults: string[];
  readonly messages: number;
  /** The hash of the schedules, as each version writes it into a lease. */
  readonly hashes: Readonly<Record<Version, unknown>>;
}

/** Hands leases from version to version, and judges the stream afterwards. */
export async function runMixed(say: (line: string) => void): Promise<MixedReport> {
  const all = entries();
  await using place = await Place.open(all.map(({ yaml }) => yaml));
  const source: Record<Version, string> = { old: `${place.directory}/before`, new: ROOT };
  await unpack(source.old);
  const programs: Partial<Record<Version, Program>> = {};
  const disturbances: Disturbance[] = [];
  const hashes: Record<Version, unknown> = { old: undefined, new: undefined };
  const from = Date.now() + 3000;

  const start = (version: Version) => {
    programs[version] = place.startWith(
      { cwd: source[version] },
      ...["--replicas", "--replica-name", version, "--shards", String(SHARDS)],
      ...["--lease-ttl", String(TTL_MS / 1000), "--skip-preflight"],
    );
  };
  const end = async (version: Version, signal: Deno.Signal) => {
    programs[version]!.kill(signal);
    await programs[version]!.exit();
    delete programs[version];
  };
  const holders = async () => {
    const records = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => place.lease(shard)),
    );
    for (const record of records) {
      const version = String(record?.holder).split("-")[0];
      if (version === "old" || version === "new") hashes[version] = record!.schedules;
    }
    return records.map((record) => String(record?.holder).split("-")[0]).sort().join(" ");
  };
  const step = async (what: string, act: () => Promise<void> | void, expected: string) => {
    say(what);
    const began = Date.now();
    await act();
    await eventually(`${what}: ${expected}`, async () => await holders() === expected, 15_000);
    disturbances.push({ from: began, until: Date.now() });
    await sleep(2500); // everything fires, and is written
  };

  await step("a new one alone", () => start("new"), "new new");
  await step("an old one comes", () => start("old"), "new old");
  await step("the old one ends", () => end("old", "SIGTERM"), "new new");
  await step("the old one comes back", () => start("old"), "new old");
  await step("the new one is killed", () => end("new", "SIGKILL"), "old old");
  await step("a new one comes", () => start("new"), "new old");
  await step("the old one is killed", () => end("old", "SIGKILL"), "new new");
  await step("the old one comes back", () => start("old"), "new old");
  await step("both end, and a new one starts", async () => {
    await Promise.all([end("new", "SIGTERM"), end("old", "SIGKILL")]);
    start("new");
  }, "new new");
  await step("the old one comes back", () => start("old"), "new old");
  await step("the new one ends", () => end("new", "SIGTERM"), "old old");

  const until = Date.now() - 1500;
  const differ = Object.values(programs).flatMap((each) => each.log("scheduler.schedules_differ"));
  await end("old", "SIGTERM");
  const messages = (await place.stored()).map((each) => ({
    ...each,
    term: Number(each.term),
    shard: shardOf(each.schedule, SHARDS),
  }));
  const { faults } = judge({
    messages,
    promises: all,
    from,
    until,
    disturbances,
    allowedLateness: TTL_MS + 1000,
  });
  if (hashes.old !== hashes.new || hashes.old === undefined) {
    faults.push(`the hashes of the schedules differ: ${hashes.old}, ${hashes.new}`);
  }
  faults.push(...differ.map((line) => JSON.stringify(line)));
  return { faults, messages: messages.length, hashes };
}

if (import.meta.main) {
  if (!await hasHistory()) {
    console.error(`Cannot find commit ${BEFORE}: this needs a clone with the whole history`);
    Deno.exit(2);
  }
  const { faults, messages, hashes } = await runMixed((line) => console.log(line));
  for (const fault of faults.slice(0, 40)) console.log(`FAULT ${fault}`);
  console.log(`${faults.length} broken promises in ${messages} messages; hash ${hashes.old}`);
  Deno.exit(faults.length === 0 ? 0 : 1);
}
