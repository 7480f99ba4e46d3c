/** The due instants of a schedule. It hides cron, zones and daylight saving time. */
export interface Cadence {
  /**
   * Returns the first occurrence strictly after `after`, or null for none. It is a pure function:
   * the same instant always gives the same result.
   */
  next(after: Date): Date | null;
}
