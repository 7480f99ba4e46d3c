/** Where the lines of a text begin; LF, CRLF and a lone CR end one, as in YAML. */
export class LineIndex {
  readonly #starts = [0];

  readonly #added: ReadonlyMap<number, number>;

  /** @param added how many characters at the beginning of a line, from 1 on, the file does not have */
  constructor(text: string, added: ReadonlyMap<number, number> = new Map()) {
    this.#added = added;
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
    const column = offset - this.#starts[low]! - (this.#added.get(low + 1) ?? 0) + 1;
    return { line: low + 1, column: Math.max(column, 1) };
  }
}
