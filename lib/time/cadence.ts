/** When something is due. Everything hard about cron, zones and daylight saving is behind it. */
export interface Cadence {
  /**
   * The first occurrence strictly after `after`, or null when there is none. A pure function: the
   * same instant always gets the same answer.
   */
  next(after: Date): Date | null;
}
