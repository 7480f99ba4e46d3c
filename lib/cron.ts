/**
 * When something is due: cron expressions in a time zone, and intervals that do not drift. Needs no
 * bus and reads no clock.
 *
 * @module
 */
export type { Cadence } from "./time/cadence.ts";
export { cronCadence, CronExpressionError } from "./time/cron/cron_cadence.ts";
export { intervalCadence } from "./time/interval_cadence.ts";
export { TimeZoneError } from "./time/zone.ts";
