/**
 * Instants as RFC 3339 in UTC, remembering the last: a burst shares its instant, and writing it out
 * anew would be a fifth of the work for a dispatch.
 */
export class InstantText {
  #instant = NaN;
  #text = "";

  of(instant: Date): string {
    const milliseconds = instant.getTime();
    if (milliseconds !== this.#instant) {
      this.#text = instant.toISOString();
      this.#instant = milliseconds;
    }
    return this.#text;
  }
}
