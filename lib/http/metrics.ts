/**
 * The only file that knows prom-client. It writes what the snapshot holds as Prometheus reads it.
 *
 * @module
 */
import { type Metric as PromMetric, Registry } from "prom-client";
import { DELIVERY_WAYS } from "../wire/vocabulary.ts";
import { zoneSource } from "../time/zone.ts";
import type { Totals } from "./protocol.ts";
import { ENTRY_STATES, type Row, type Snapshot } from "./snapshot.ts";

const PREFIX = "heddle_scheduler_";

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** The values of the moment, each with those of the labels. */
  values(): Iterable<readonly [number, ...string[]]>;
}

/** One line of the text. */
interface Sample {
  /** Left out where it is the metric's own name. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #snapshot: Snapshot;
  #text = "";
  #textAt = -Infinity;

  constructor(snapshot: Snapshot, build: { version: string; deno: string }) {
    this.#snapshot = snapshot;
    for (const counter of this.#counters()) this.#add("counter", counter);
    for (const gauge of this.#gauges(build)) this.#add("gauge", gauge);
    this.#addHistogram(
      "firing_lateness_seconds",
      "How late firings began after they were due, jitter included.",
      ({ lateness }) => lateness,
    );
    this.#addHistogram(
      "expansion_duration_seconds",
      "How long expansion functions took.",
      ({ expansion }) => expansion,
    );
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
    const snapshot = this.#snapshot;
    yield {
      name: "firings_total",
      help: "Occurrences that were due, by how they ended.",
      labels: ["schedule", "dispatch_type", "outcome"],
      *values() {
        for (const { view, firings } of snapshot.rows) {
          for (const [outcome, count] of Object.entries(firings?.counts ?? {})) {
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
        for (const { view, firings } of snapshot.rows) {
          yield [firings?.dispatches ?? 0, view.name, view.dispatchType];
        }
      },
    };
    yield {
      name: "config_reloads_total",
      help: "Reloads of the configuration, by whether it was taken.",
      labels: ["outcome"],
      *values() {
        const { ok = 0, failed = 0 } = snapshot.state?.reloads ?? {};
        yield [ok, "ok"];
        yield [failed, "failed"];
      },
    };
  }

  *#gauges({ version, deno }: { version: string; deno: string }): Iterable<Metric> {
    const snapshot = this.#snapshot;
    const state = (of: (state: NonNullable<Snapshot["state"]>) => number) =>
      function* (): Iterable<[number]> {
        if (snapshot.state !== null) yield [of(snapshot.state)];
      };
    const instants = (of: (row: Row) => number | null) =>
      function* (): Iterable<[number, string]> {
        for (const row of snapshot.rows) {
          const at = of(row);
          if (at !== null && at !== Infinity) yield [at / 1000, row.view.name];
        }
      };
    yield {
      name: "next_firing_timestamp_seconds",
      help: "When an entry is due next.",
      labels: ["schedule"],
      values: instants((row) => snapshot.isPaused(row) ? null : row.next),
    };
    yield {
      name: "last_dispatch_timestamp_seconds",
      help: "When an entry was last dispatched.",
      labels: ["schedule"],
      values: instants(({ firings }) => firings?.lastDispatched ?? null),
    };
    yield {
      name: "entries",
      help: "Entries of the configuration, by state.",
      labels: ["state"],
      *values() {
        const counts = new Map<string, number>(ENTRY_STATES.map((state) => [state, 0]));
        for (const row of snapshot.rows) {
          const state = snapshot.stateOf(row);
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
      name: "delivery",
      help: "1 for the way that dispatches to a subject take, else 0; of 100 subjects at most.",
      labels: ["subject", "via"],
      *values() {
        for (const { subject, via } of snapshot.state?.ways ?? []) {
          for (const way of DELIVERY_WAYS) yield [Number(way === via), subject, way];
        }
      },
    };
    yield {
      name: "entries_held_back",
      help: "Entries that are due and wait for the connection or their lease.",
      values: state(({ heldBack }) => heldBack),
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
        const { runningSince = null } = snapshot.state ?? {};
        return runningSince === null ? [] : [[runningSince / 1000]];
      },
    };
    yield {
      name: "lease_held",
      help: "1 for each lease that this replica holds, else 0.",
      labels: ["shard"],
      *values() {
        const { held = [], shards = 0 } = snapshot.state?.replica ?? {};
        for (let shard = 0; shard < shards; shard++) {
          yield [Number(held.includes(shard)), String(shard)];
        }
      },
    };
    yield {
      name: "zone_data_info",
      help: "Always 1; the time zone data in use stands in the labels.",
      labels: ["source", "version"],
      values: () => {
        const { directory, version } = zoneSource();
        return [[1, directory ?? "built-in", version ?? ""]];
      },
    };
    yield {
      name: "build_info",
      help: "Always 1; what runs stands in the labels.",
      labels: ["version", "deno_version"],
      values: () => [[1, version, deno]],
    };
  }

  #add(type: "counter" | "gauge", { name, help, labels = [], values }: Metric): void {
    this.#register(type, PREFIX + name, help, () => {
      const samples = Array.from(values(), ([value, ...texts]) => (
        { value, labels: Object.fromEntries(labels.map((label, at) => [label, texts[at]!])) }
      ));
      // What has no labels has a value from the beginning.
      return samples.length === 0 && labels.length === 0 ? [{ value: 0, labels: {} }] : samples;
    });
  }

  #addHistogram(name: string, help: string, of: (totals: Totals) => Totals["lateness"]): void {
    const full = PREFIX + name;
    this.#register("histogram", full, help, () => {
      const { bounds, counts, sum } = of(this.#snapshot.totals);
      let count = 0;
      const buckets = [...bounds.map(String), "+Inf"].map((le, at) => (
        { metricName: `${full}_bucket`, labels: { le }, value: count += counts[at]! }
      ));
      return [
        ...buckets,
        { metricName: `${full}_sum`, labels: {}, value: sum },
        { metricName: `${full}_count`, labels: {}, value: count },
      ];
    });
  }

  /** Whatever prom-client would count has been counted: it writes the text, and no more. */
  #register(type: string, name: string, help: string, samples: () => readonly Sample[]): void {
    const get = () => Promise.resolve({ name, help, type, values: samples() });
    this.#registry.registerMetric({ name, help, type, get } as unknown as PromMetric);
  }
}
