import type { Cadence } from "../../time/cadence.ts";
import { intervalCadence } from "../../time/interval_cadence.ts";
import { NOT_READ, type Timing, type TimingKind, type TimingReading } from "./timing.ts";

/** Occurrences are told apart by the millisecond, so an interval is no shorter. */
const MIN_INTERVAL_SECONDS = 0.001;
/** A hundred years: beyond it, adding to a date leaves the range of dates. */
export const MAX_SECONDS = 3_155_760_000;

/** Due every so many seconds, from an anchor on. */
export class IntervalTiming implements Timing {
  constructor(readonly value: number) {}

  get kind(): string {
    return "interval_seconds";
  }

  get text(): string {
    return `${this.value}`;
  }

  get label(): string {
    return `every ${this.value} s`;
  }

  get isOnWallClock(): boolean {
    return false;
  }

  get zone(): null {
    return null;
  }

  get periodMs(): number {
    return this.value * 1000;
  }

  cadence(anchor: Date, options: { atAnchor?: boolean } = {}): Cadence {
    return intervalCadence(anchor, this.value, options);
  }
}

export const INTERVAL = {
  schema: {
    type: ["number", "null"],
    minimum: MIN_INTERVAL_SECONDS,
    maximum: MAX_SECONDS,
    title: "Interval",
    wanted: `a positive number of seconds from ${MIN_INTERVAL_SECONDS} to ${MAX_SECONDS}`,
    description: "Seconds between firings, fractions allowed; the first comes one interval " +
      "after the start. Exactly one of `cron` and `interval_seconds`.",
    examples: [300, 0.5],
  },

  read(value: unknown): TimingReading {
    if (typeof value !== "number") return NOT_READ;
    return { ...NOT_READ, timing: new IntervalTiming(value) };
  },

  isSameText(a: string, b: string): boolean {
    return [a, b].every((text) => /^\d\S*$/.test(text)) && Number(a) === Number(b);
  },
} as const satisfies TimingKind;
