/** What a process takes, read from `/proc`, and how that changes. */

/** What is measured, and in which unit. */
export const MEASURES = { memory: "KiB", descriptors: "open", threads: "running" } as const;

export type Measure = keyof typeof MEASURES;

export interface Sample extends Readonly<Record<Measure, number>> {
  /** Minutes since the beginning. */
  readonly at: number;
}

/** Looks at a process, without the children that it started. */
export async function sample(pid: number, at: number): Promise<Sample> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)![1]);
  let descriptors = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) descriptors++;
  return { at, memory: field("VmRSS"), descriptors, threads: field("Threads") };
}

/**
 * Returns the least of each measure in each span of so many minutes: what a process keeps, without
 * what comes and goes.
 */
export function troughs(samples: readonly Sample[], span: number): Sample[] {
  const spans = Map.groupBy(samples, ({ at }) => Math.floor(at / span));
  return [...spans.values()].map((each) => {
    const least = (measure: Measure) => Math.min(...each.map((sample) => sample[measure]));
    return {
      at: each[0]!.at,
      memory: least("memory"),
      descriptors: least("descriptors"),
      threads: least("threads"),
    };
  });
}

/** The line through samples that is nearest to them, and their largest. */
export interface Trend {
  /** Where the line begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly perMinute: number;
  readonly largest: number;
}

/** Returns the line of least squares. One sample has a line without a slope. */
export function trend(samples: readonly Sample[], measure: Measure): Trend {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const middle = mean(({ at }) => at);
  const level = mean((each) => each[measure]);
  const spread = mean(({ at }) => (at - middle) ** 2);
  const perMinute = spread === 0
    ? 0
    : mean((each) => (each.at - middle) * (each[measure] - level)) / spread;
  const on = (at: number) => level + (at - middle) * perMinute;
  return {
    from: on(samples[0]!.at),
    to: on(samples.at(-1)!.at),
    perMinute,
    largest: Math.max(...samples.map((each) => each[measure])),
  };
}
