/**
 * Writes instants in RFC 3339, UTC, and caches the last text: a burst shares its instant, and
 * writing it again would be a fifth of the work for a dispatch.
 */
export class InstantText {
  #instant = NaN;
  #text = "";

  /** Returns the text of an instant, in milliseconds since the epoch. */
  of(instant: number): string {
    if (instant !== this.#instant) {
      this.#text = new Date(instant).toISOString();
      this.#instant = instant;
    }
    return this.#text;
  }
}
