import { errorText } from "../../internal/error_text.ts";
import type { Cadence } from "../../time/cadence.ts";
import { parsedCadence } from "../../time/cron/cron_cadence.ts";
import { type CronExpression, parseCronExpression } from "../../time/cron/cron_expression.ts";
import { sameCron } from "../../time/cron/cron_meaning.ts";
import { type Zone, zoneNamed } from "../../time/zone.ts";
import {
  NOT_READ,
  type Timing,
  type TimingCaches,
  type TimingKind,
  type TimingReading,
} from "./timing.ts";

/** Due by a cron expression in a time zone. */
export class CronTiming implements Timing {
  readonly value: string;
  readonly timezone: string;
  readonly zone: Zone;
  readonly #cadence: Cadence;

  /**
   * @param text the expression as the file says it
   * @throws {CronExpressionError} for an expression that can never fire
   * @throws {TimeZoneError} for a name that is no time zone
   */
  constructor(text: string, expression: CronExpression, timezone: string) {
    this.value = text;
    this.timezone = timezone;
    this.zone = zoneNamed(timezone);
    this.#cadence = parsedCadence(expression, timezone);
  }

  get kind(): string {
    return "cron";
  }

  get text(): string {
    return `${this.value} ${this.timezone}`;
  }

  get label(): string {
    return this.text;
  }

  get isOnWallClock(): boolean {
    return true;
  }

  get periodMs(): null {
    return null;
  }

  cadence(): Cadence {
    return this.#cadence;
  }
}

export const CRON = {
  schema: {
    type: ["string", "null"],
    title: "Cron expression",
    wanted: 'a string of five fields such as "0 * * * *"',
    complaint: "invalid cron expression",
    description: "Minute, hour, day of month, month, day of week. Six fields put seconds first. " +
      "Quote it. Exactly one of `cron` and `interval_seconds`.",
    examples: ["0 * * * *", "30 2 * * MON-FRI", "@daily"],
  },

  read(value: unknown, timezone: string, { cronFields }: TimingCaches): TimingReading {
    if (typeof value !== "string") return NOT_READ;
    try {
      const timing = new CronTiming(value, parseCronExpression(value, cronFields), timezone);
      return { ...NOT_READ, timing };
    } catch (error) {
      const problem = errorText(error);
      return { ...NOT_READ, problem };
    }
  },

  isSameText(a: string, b: string): boolean {
    const [one, other] = [parts(a), parts(b)];
    try {
      return one !== null && other !== null && sameCron(one, other);
    } catch {
      return false; // an expression, or a zone, that this version does not know
    }
  },
} as const satisfies TimingKind;

/** An expression may hold any blanks: its zone is the last word. */
function parts(text: string): { expression: string; timezone: string } | null {
  const [, expression, timezone] = /^(.+)\s([A-Za-z]\S*)$/s.exec(text) ?? [];
  return expression === undefined || timezone === undefined ? null : { expression, timezone };
}
