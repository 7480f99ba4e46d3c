/**
 * Instants as RFC 3339 in UTC, remembering the last: a burst shares its instant, and writing it out
 * anew would be a fifth of the work for a dispatch.
 */
export class InstantText {
  #instant = NaN;
  #text = "";

  /** @param instant in milliseconds since the epoch */
  of(instant: number): string {
    if (instant !== this.#instant) {
      this.#text = new Date(instant).toISOString();
      this.#instant = instant;
    }
    return this.#text;
  }
}
