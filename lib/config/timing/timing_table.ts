import { CronFields } from "../../time/cron/cron_sets.ts";
import { TimeZoneError, zoneNamed } from "../../time/zone.ts";
import { TIMINGS } from "../config_schema.ts";
import type { Timing, TimingCaches, TimingData, TimingKind, TimingReading } from "./timing.ts";

const KINDS: Readonly<Record<string, TimingKind>> = TIMINGS;

/** The zones and timings of one configuration, each looked at once and shared. */
export class TimingTable {
  readonly #zones = new Map<string, string | null>();
  readonly #readings = new Map<string, Map<unknown, TimingReading>>();
  readonly #caches: TimingCaches = { cronFields: new CronFields() };

  /** What is wrong with the name of a zone, or null. */
  zoneProblem(zone: string): string | null {
    let problem = this.#zones.get(zone);
    if (problem === undefined) this.#zones.set(zone, problem = zoneProblem(zone));
    return problem;
  }

  /** Reads an entry's value of one kind in `zone`, which must be a valid one. */
  read(kind: string, value: unknown, zone: string): TimingReading {
    const key = `${kind} ${zone}`;
    let readings = this.#readings.get(key);
    if (readings === undefined) this.#readings.set(key, readings = new Map());
    let reading = readings.get(value);
    if (reading === undefined) {
      readings.set(value, reading = KINDS[kind]!.read(value, zone, this.#caches));
    }
    return reading;
  }

  /** Returns the timing that was made of this data in another table, perhaps in another thread. */
  remade({ kind, value }: TimingData, zone: string): Timing {
    return this.read(kind, value, zone).timing!;
  }
}

function zoneProblem(zone: string): string | null {
  try {
    zoneNamed(zone);
    return null;
  } catch (error) {
    if (error instanceof TimeZoneError) return error.message;
    throw error;
  }
}
