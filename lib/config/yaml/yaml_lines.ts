/** Where the lines of a text begin; LF, CRLF and a lone CR end one, as in YAML. */
export class LineIndex {
  readonly #starts = [0];

  constructor(text: string) {
    const breaks = /\r\n?|\n/g;
    while (breaks.test(text)) this.#starts.push(breaks.lastIndex);
  }

  /** The line and column of an offset, both 1-based, the column in UTF-16 code units. */
  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - this.#starts[low]! + 1 };
  }
}
