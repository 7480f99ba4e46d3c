const NEWLINE = 0x0a;
/** The first characters of MSG, HMSG and -ERR; no other line begins with them. */
const [MSG, HMSG, ERR] = ["M", "H", "-"].map((letter) => letter.charCodeAt(0));
const NONE: readonly string[] = [];

/**
 * Finds the `-ERR` lines in what the server sends. A line may be split between two reads, and the
 * contents of messages are skipped:
 * https://docs.nats.io/reference/reference-protocols/nats-protocol
 */
export class ServerErrors {
  /** The beginning of an incomplete line. */
  #begun: Uint8Array | null = null;
  /** The number of bytes of a message that have not arrived yet. */
  #toSkip = 0;
  #last: string | null = null;

  /** What the last error says where nothing came after it; else null. */
  get last(): string | null {
    return this.#last;
  }

  /** Returns the texts of the errors whose lines end in `bytes`, without quotes. */
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
        // Reads the completed line; the loop continues with what follows it.
        const line = joined(this.#begun, bytes.subarray(at, at = end + 1));
        this.#begun = null;
        const errors = this.read(line);
        if (errors.length > 0) (found ??= []).push(...errors);
      }
    }
  }
}

/** Returns the number at the end of a line, before the CR: the size of a message. */
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
