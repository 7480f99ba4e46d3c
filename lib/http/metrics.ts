/**
 * The only file that knows prom-client: what the mirror holds, as Prometheus reads it.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { ENTRY_STATES, type Mirror, type Row } from "./mirror.ts";

const PREFIX = "heddle_scheduler_";

/** Upper bounds, in seconds. */
const EXPANSION_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LATENESS_BUCKETS = [0.001, 0.0025, 0.005, ...EXPANSION_BUCKETS];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** The values of the moment, each with those of the labels. */
  values(): Iterable<readonly [number, ...string[]]>;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #mirror: Mirror;
  #text = "";
  #textAt = -Infinity;

  constructor(mirror: Mirror, build: { version: string; deno: string }) {
    this.#mirror = mirror;
    for (const counter of this.#counters()) this.#add(Counter, counter);
    for (const gauge of this.#gauges(build)) this.#add(Gauge, gauge);
    const lateness = this.#histogram(
      "firing_lateness_seconds",
      "How late firings began after they were due, jitter included.",
      LATENESS_BUCKETS,
    );
    const duration = this.#histogram(
      "expansion_duration_seconds",
      "How long expansion functions took.",
      EXPANSION_BUCKETS,
    );
    mirror.onFiring = (late, expansion) => {
      lateness.observe(late / 1000);
      if (!Number.isNaN(expansion)) duration.observe(expansion / 1000);
    };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /**
   * In Prometheus's text format, made at most once a second: it takes 10 ms for a thousand entries.
   *
   * @param monotonic now, in milliseconds
   */
  async text(monotonic: number): Promise<string> {
    if (monotonic - this.#textAt >= 1000) {
      this.#textAt = monotonic;
      this.#text = await this.#registry.metrics();
    }
    return this.#text;
  }

  *#counters(): Iterable<Metric> {
    const mirror = this.#mirror;
    yield {
      name: "firings_total",
      help: "Occurrences that were due, by how they ended.",
      labels: ["schedule", "dispatch_type", "outcome"],
      *values() {
        for (const { view, counts } of mirror.rows) {
          for (const [outcome, count] of Object.entries(counts)) {
            yield [count, view.name, view.dispatchType, outcome];
          }
        }
      },
    };
    yield {
      name: "dispatches_total",
      help: "Messages that were published.",
      labels: ["schedule", "dispatch_type"],
      *values() {
        for (const { view, dispatches } of mirror.rows) {
          yield [dispatches, view.name, view.dispatchType];
        }
      },
    };
    yield {
      name: "config_reloads_total",
      help: "Reloads of the configuration, by whether it was taken.",
      labels: ["outcome"],
      *values() {
        const { ok = 0, failed = 0 } = mirror.state?.reloads ?? {};
        yield [ok, "ok"];
        yield [failed, "failed"];
      },
    };
  }

  *#gauges({ version, deno }: { version: string; deno: string }): Iterable<Metric> {
    const mirror = this.#mirror;
    const state = (of: (state: NonNullable<Mirror["state"]>) => number) =>
      function* (): Iterable<[number]> {
        if (mirror.state !== null) yield [of(mirror.state)];
      };
    const instants = (of: (row: Row) => number | null) =>
      function* (): Iterable<[number, string]> {
        for (const row of mirror.rows) {
          const at = of(row);
          if (at !== null && at !== Infinity) yield [at / 1000, row.view.name];
        }
      };
    yield {
      name: "next_firing_timestamp_seconds",
      help: "When an entry is due next.",
      labels: ["schedule"],
      values: instants((row) => mirror.isPaused(row) ? null : row.next),
    };
    yield {
      name: "last_dispatch_timestamp_seconds",
      help: "When an entry was last dispatched.",
      labels: ["schedule"],
      values: instants(({ lastDispatched }) => lastDispatched),
    };
    yield {
      name: "entries",
      help: "Entries of the configuration, by state.",
      labels: ["state"],
      *values() {
        const counts = new Map<string, number>(ENTRY_STATES.map((state) => [state, 0]));
        for (const row of mirror.rows) {
          const state = mirror.stateOf(row);
          counts.set(state, counts.get(state)! + 1);
        }
        for (const [state, count] of counts) yield [count, state];
      },
    };
    yield {
      name: "bus_connected",
      help: "1 while a message would leave at once, else 0.",
      values: state(({ isConnected }) => Number(isConnected)),
    };
    yield {
      name: "config_last_reload_successful",
      help: "0 after a reload that was refused, else 1.",
      values: state(({ lastReload }) => Number(lastReload?.outcome !== "failed")),
    };
    yield {
      name: "start_time_seconds",
      help: "When the scheduler began to fire.",
      values: () => {
        const { runningSince = null } = mirror.state ?? {};
        return runningSince === null ? [] : [[runningSince / 1000]];
      },
    };
    yield {
      name: "lease_held",
      help: "1 for each lease that this replica holds, else 0.",
      labels: ["shard"],
      *values() {
        const { held = [], shards = 0 } = mirror.state?.replica ?? {};
        for (let shard = 0; shard < shards; shard++) {
          yield [Number(held.includes(shard)), String(shard)];
        }
      },
    };
    yield {
      name: "build_info",
      help: "Always 1; what runs stands in the labels.",
      labels: ["version", "deno_version"],
      values: () => [[1, version, deno]],
    };
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: PREFIX + name, help, buckets, registers: [this.#registry] });
  }

  #add(Kind: typeof Counter | typeof Gauge, { name, help, labels = [], values }: Metric): void {
    new Kind({
      name: PREFIX + name,
      help,
      labelNames: [...labels],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, ...texts] of values()) {
          this.inc(Object.fromEntries(labels.map((label, at) => [label, texts[at]!])), value);
        }
      },
    });
  }
}
