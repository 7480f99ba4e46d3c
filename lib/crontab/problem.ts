/** What keeps a line of a crontab from being carried over. */
export class CrontabProblem extends Error {
  override readonly name = "CrontabProblem";

  /**
   * @param severity an error where cron refuses the line too, a warning where an entry cannot say it
   * @param column where in the line, 1-based, in UTF-16 code units
   */
  constructor(
    readonly severity: "error" | "warning",
    message: string,
    readonly column: number,
  ) {
    super(message);
  }
}
