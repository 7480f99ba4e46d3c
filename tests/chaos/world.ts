/**
 * What the faults are done to: replicas of the real program, each behind lines of its own, and one
 * nats-server or a cluster of three.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../helpers/eventually.ts";
import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { startCluster } from "./cluster.ts";
import { FaultyProxy } from "./faulty_proxy.ts";
import type { Promised } from "./verdict.ts";

export const STREAM = "HEDDLE";
const PRELOAD = fileURLToPath(new URL("clock_offset.ts", import.meta.url));

export interface WorldOptions {
  replicas: number;
  shards: number;
  /** In seconds. */
  leaseTtl: number;
  isCluster: boolean;
  /** Where the program's source is. */
  source: string;
}

/** One replica: the process of the moment, and all that it said since the beginning. */
export class Replica {
  readonly name: string;
  readonly lines: readonly FaultyProxy[];
  readonly #world: World;
  readonly #clockFile: string;
  #program: Program | null = null;
  #said: string[] = [];

  constructor(world: World, name: string, lines: FaultyProxy[]) {
    this.#world = world;
    this.name = name;
    this.lines = lines;
    this.#clockFile = join(world.directory, `clock-${name}`);
  }

  start(): void {
    const { options: { leaseTtl, shards, source }, configPath } = this.#world;
    this.#program = new Program([
      ...["--config", configPath, "--nats-url", this.lines.map(({ url }) => url).join()],
      ...["--replicas", "--replica-name", this.name, "--lease-ttl", String(leaseTtl)],
      ...["--shards", String(shards), "--log-level", "debug", "--skip-preflight"],
    ], {
      command: [Deno.execPath(), "run", "-P", "--preload", PRELOAD, "main.ts"],
      cwd: source,
      env: { HEDDLE_SCHEDULER_TEST_CLOCK_FILE: this.#clockFile },
    });
  }

  get isRunning(): boolean {
    return this.#program?.running === true;
  }

  signal(signal: Deno.Signal): void {
    this.#program?.kill(signal);
  }

  /** Waits until the process has ended. */
  async ended(): Promise<void> {
    const program = this.#program;
    if (program === null) return;
    await program.exit();
    this.#said.push(...program.stderr);
    this.#program = null;
  }

  /** All log lines of one event, also those of processes before. */
  log(event: string): Record<string, unknown>[] {
    const needle = `"event":"${event}"`;
    return [...this.#said, ...this.#program?.stderr ?? []]
      .filter((line) => line.includes(needle)).map((line) => JSON.parse(line));
  }

  /** What it said of its leases and its connection, without that they were renewed. */
  get leaseLog(): string[] {
    return [...this.#said, ...this.#program?.stderr ?? []]
      .filter((line) => /"event":"(scheduler.lease|bus|memory|scheduler.sch)/.test(line))
      .filter((line) => !line.includes("lease_renewed")).map((line) => {
        const { timestamp, event, level: _, ...fields } = JSON.parse(line);
        return `${timestamp} ${this.name} ${event} ${JSON.stringify(fields)}`;
      });
  }

  /** How often its process of the moment said that it renewed a lease. */
  get renewals(): number {
    return this.#program?.stderr.filter((line) => line.includes("lease_renewed")).length ?? 0;
  }

  /** How many leases it holds by what it says itself. */
  get leases(): number {
    const held = new Set<unknown>();
    for (const line of this.#program?.stderr ?? []) {
      if (!line.includes('"event":"scheduler.lease_')) continue;
      const { event, shard } = JSON.parse(line);
      if (event === "scheduler.lease_acquired") held.add(shard);
      if (event === "scheduler.lease_lost" || event === "scheduler.lease_released") {
        held.delete(shard);
      }
    }
    return held.size;
  }

  /** Sets how far its wall clock is off, in milliseconds. */
  async setClock(offset: number): Promise<void> {
    await Deno.writeTextFile(this.#clockFile, String(offset));
  }
}

export class World implements AsyncDisposable {
  readonly options: WorldOptions;
  readonly directory: string;
  readonly configPath: string;
  readonly servers: NatsServer[];
  readonly replicas: Replica[];
  /** How often an entry was added by a reload. */
  #added = 0;

  private constructor(options: WorldOptions, directory: string, servers: NatsServer[]) {
    this.options = options;
    this.directory = directory;
    this.configPath = join(directory, "schedules.yaml");
    this.servers = servers;
    this.replicas = Array.from({ length: options.replicas }, (_, index) => {
      const lines = servers.map((server) => new FaultyProxy(() => server.port));
      return new Replica(this, `r${index}`, lines);
    });
  }

  static async start(options: WorldOptions): Promise<World> {
    const directory = await Deno.makeTempDir({ prefix: "heddle-chaos-" });
    const servers = options.isCluster
      ? await startCluster(3)
      : [await startNatsServer({ jetstream: true })];
    const world = new World(options, directory, servers);
    await world.writeConfig();
    const create = ["stream", "create", "--nats-url", world.url, "--max-age", "1d"];
    await eventually("the stream is created", async () => {
      const { code, stderr } = await runProgram(create);
      if (code !== 0 && !options.isCluster) throw new Error(stderr);
      return code === 0;
    }, 30_000);
    for (const replica of world.replicas) replica.start();
    await eventually("a lease is held", () => {
      return world.replicas.some(({ leases }) => leases > 0);
    }, 30_000);
    return world;
  }

  get url(): string {
    return this.servers.map(({ url }) => url).join();
  }

  /** The entries, and what each promises. Those that were added by reloads began later. */
  get promises(): Promised[] {
    return this.#entries().map(({ promised }) => promised);
  }

  async writeConfig(): Promise<void> {
    const lines = this.#entries().map(({ yaml }) => `  - ${yaml}`);
    const text = ["name: chaos", "schedules:", ...lines, ""].join("\n");
    await Deno.writeTextFile(this.configPath, text);
  }

  /** Adds an entry to the file. */
  async addEntry(): Promise<void> {
    this.#added++;
    await this.writeConfig();
  }

  #entries(): { yaml: string; promised: Promised }[] {
    const entry = (schedule: string, timing: string, period: number, rest: string) => ({
      yaml: `{ name: ${schedule}, ${timing}, dispatch_type: ${
        schedule.length % 2 ? "goal, goal: { instruction: x }" : "task, task: { worker_type: w }"
      }, ${rest} }`,
      promised: {
        schedule,
        period,
        phase: timing.startsWith("cron") ? 0 : null,
        isExact: rest.includes("all"),
      },
    });
    const second = `cron: "* * * * * *"`;
    return [
      // Of six leases each has one that is exact, and four have an interval that is.
      ...["a", "b", "c", "d", "f", "j"].map((n) =>
        entry(`all-${n}`, second, 1000, "catch_up: all")
      ),
      entry("all-slow", `cron: "*/5 * * * * *"`, 5000, "catch_up: all"),
      entry("half", "interval_seconds: 0.5", 500, "catch_up: all"),
      entry("tenth", "interval_seconds: 0.1", 100, "catch_up: none"),
      entry("seven", "interval_seconds: 0.7", 700, "catch_up: all"),
      entry("four", "interval_seconds: 0.4", 400, "catch_up: all"),
      entry("two", "interval_seconds: 2", 2000, "catch_up: all"),
      entry("three", "interval_seconds: 3", 3000, "catch_up: all"),
      ...["e", "f"].map((n) => entry(`none-${n}`, second, 1000, "catch_up: none")),
      entry("one-gg", second, 1000, "catch_up: one"),
      ...Array.from(
        { length: this.#added },
        (_, n) => entry(`added-${n}`, "interval_seconds: 1", 1000, "catch_up: all"),
      ),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const replica of this.replicas) {
      replica.signal("SIGCONT");
      replica.signal("SIGKILL");
      await replica.ended();
      for (const line of replica.lines) await line[Symbol.asyncDispose]();
    }
    for (const server of this.servers) await server.stop();
    await Deno.remove(this.directory, { recursive: true });
  }
}
