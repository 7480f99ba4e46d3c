const NEWLINE = 0x0a;
/** What the lines of MSG, HMSG and -ERR begin with; no other line does. */
const [MSG, HMSG, ERR] = ["M", "H", "-"].map((letter) => letter.charCodeAt(0));
const NONE: readonly string[] = [];

/**
 * Finds the server's errors, lines that begin with `-ERR`, in the bytes that it sends, wherever those
 * are cut into pieces. What looks like one inside of a message is none:
 * https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export class ServerErrors {
  /** The beginning of a line whose end has not arrived. */
  #begun: Uint8Array | null = null;
  /** Bytes of a message that are still to come. */
  #toSkip = 0;
  #last: string | null = null;

  /** What the last error says where nothing came after it; else null. */
  get last(): string | null {
    return this.#last;
  }

  /** @returns what the errors that end in `bytes` say, without quotes */
  read(bytes: Uint8Array): readonly string[] {
    let found: string[] | undefined;
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#toSkip, bytes.length - at);
      this.#toSkip -= skipped;
      at += skipped;
      if (at === bytes.length) return found ?? NONE;
      const end = bytes.indexOf(NEWLINE, at);
      if (end < 0) {
        this.#begun = joined(this.#begun, bytes.subarray(at));
        return found ?? NONE;
      }
      if (this.#begun === null) {
        const kind = bytes[at];
        if (kind === MSG || kind === HMSG) this.#toSkip = lastNumber(bytes, at, end) + 2;
        this.#last = kind === ERR ? textOf(bytes.subarray(at, end)) : null;
        if (this.#last !== null) (found ??= []).push(this.#last);
        at = end + 1;
      } else {
        // The rest of a line: read as one, then what follows it.
        const line = joined(this.#begun, bytes.subarray(at, at = end + 1));
        this.#begun = null;
        const errors = this.read(line);
        if (errors.length > 0) (found ??= []).push(...errors);
      }
    }
  }
}

/** The number that a line ends with, before its carriage return: the size of a message. */
function lastNumber(bytes: Uint8Array, begin: number, end: number): number {
  let value = 0;
  let place = 1;
  for (let at = end - 2; at >= begin; at--) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    value += digit * place;
    place *= 10;
  }
  return value;
}

function textOf(line: Uint8Array): string {
  return new TextDecoder().decode(line).replace(/^-ERR\s*'?(.*?)'?\s*$/i, "$1");
}

function joined(first: Uint8Array | null, second: Uint8Array): Uint8Array {
  const both = new Uint8Array((first?.length ?? 0) + second.length);
  if (first !== null) both.set(first);
  both.set(second, both.length - second.length);
  return both;
}
