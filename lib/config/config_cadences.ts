import type { Cadence } from "../time/cadence.ts";
import { cronFieldCount, describeSixFields, parsedCadence } from "../time/cron/cron_cadence.ts";
import { parseCronExpression } from "../time/cron/cron_expression.ts";
import { CronFields } from "../time/cron/cron_sets.ts";
import { TimeZoneError, zoneNamed } from "../time/zone.ts";

/** What became of one cron expression in one zone. */
export interface CronReading {
  readonly cadence: Cadence | null;
  /** What is wrong with the expression. */
  readonly problem: string | null;
  /** How it was read, where croniter, which the Python scheduler uses, reads it otherwise. */
  readonly warning: string | null;
}

/** The zones and cron expressions of one configuration, each looked at once and shared. */
export class CadenceTable {
  readonly #zones = new Map<string, string | null>();
  readonly #readings = new Map<string, Map<string, CronReading>>();
  readonly #fields = new CronFields();

  /** What is wrong with the name of a zone, or null. */
  zoneProblem(zone: string): string | null {
    let problem = this.#zones.get(zone);
    if (problem === undefined) this.#zones.set(zone, problem = zoneProblem(zone));
    return problem;
  }

  /** Reads `expression` in `zone`, which must be a valid one. */
  read(expression: string, zone: string): CronReading {
    let readings = this.#readings.get(zone);
    if (readings === undefined) this.#readings.set(zone, readings = new Map());
    let reading = readings.get(expression);
    if (reading === undefined) {
      readings.set(expression, reading = readCron(expression, zone, this.#fields));
    }
    return reading;
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

function readCron(expression: string, zone: string, fields: CronFields): CronReading {
  let cadence: Cadence;
  try {
    cadence = parsedCadence(parseCronExpression(expression, fields), zone);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { cadence: null, problem: message, warning: null };
  }
  const count = cronFieldCount(expression);
  if (count < 6) return { cadence, problem: null, warning: null };
  const warning = `cron ${JSON.stringify(expression)} has ${count} fields, read with seconds ` +
    `first (${describeSixFields(expression)}); Python's croniter reads the sixth as seconds`;
  return { cadence, problem: null, warning };
}
