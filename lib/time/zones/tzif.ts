/**
 * Reads the time zone files of RFC 9636 (formerly RFC 8536).
 *
 * @module
 */
import { type PosixRule, posixRule } from "./posix_rule.ts";

/** From `at` on, the clocks of a zone are `offset` seconds east of UTC; in seconds since the epoch. */
export interface Change {
  readonly at: number;
  readonly offset: number;
}

/** When the offset of a zone changes. */
export interface Changes {
  /** Whether there are none, and the clocks show UTC. */
  readonly isUtc: boolean;
  /** Returns the offset at an instant. */
  offsetAt(instant: number): number;
  /** Returns the changes after `from` and before `to`, in order. */
  between(from: number, to: number): Change[];
}

const HEADER_BYTES = 44;
const TYPE_BYTES = 6;
const MAGIC = 0x545a6966; // "TZif"

/** The counts of a header, and where what it counts begins. */
interface Block {
  readonly leaps: number;
  readonly times: number;
  readonly types: number;
  readonly timesAt: number;
  readonly end: number;
}

/**
 * Returns when the offset changes, by what a file says.
 *
 * @throws {RangeError} for bytes that are no such file, or one that counts leap seconds
 */
export function readTzif(bytes: Uint8Array<ArrayBuffer>): Changes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isOld = view.getUint8(4) === 0; // version 1: 32 bits, and nothing after the last change
  const first = blockAt(view, 0, 4);
  const { leaps, times, types, timesAt, end } = isOld ? first : blockAt(view, first.end, 8);
  if (leaps > 0) throw new RangeError("The file counts leap seconds");
  if (types === 0) throw new RangeError("The file has no offset");
  const typesAt = timesAt + times * (isOld ? 5 : 9);
  const offsetOf = (type: number) => {
    if (type >= types) throw new RangeError(`The file has no offset ${type}`);
    return view.getInt32(typesAt + type * TYPE_BYTES);
  };
  const changes: Change[] = [];
  let last = -Infinity; // of all, also of those that leave the offset as it was
  let offset = offsetOf(0);
  const before = offset;
  for (let index = 0; index < times; index++) {
    const at = isOld
      ? view.getInt32(timesAt + index * 4)
      : Number(view.getBigInt64(timesAt + index * 8));
    const next = offsetOf(view.getUint8(timesAt + times * (isOld ? 4 : 8) + index));
    if (next !== offset) changes.push({ at, offset: next });
    offset = next;
    last = at;
  }
  const footer = isOld ? "" : new TextDecoder().decode(bytes.subarray(end + 1)).split("\n")[0]!;
  const rule = footer === "" ? null : posixRule(footer);
  // The rule holds from the last change on, whatever the file lists there.
  const ruled = rule === null || times === 0 ? offset : rule.offsetAt(last);
  if (ruled !== offset) changes.push({ at: last, offset: ruled });
  return new FileChanges({ before, listed: changes, last, rule });
}

function blockAt(view: DataView, at: number, timeBytes: number): Block {
  if (view.getUint32(at) !== MAGIC) throw new RangeError("This is no time zone file");
  const [universal = 0, standard = 0, leaps = 0, times = 0, types = 0, characters = 0] = Array.from(
    { length: 6 },
    (_, index) => view.getUint32(at + 20 + index * 4),
  );
  const timesAt = at + HEADER_BYTES;
  const end = timesAt + times * (timeBytes + 1) + types * TYPE_BYTES + characters +
    leaps * (timeBytes + 4) + standard + universal;
  if (end > view.byteLength) throw new RangeError("The file ends too early");
  return { leaps, times, types, timesAt, end };
}

/** The changes that a file lists, and those of its rule after the last of them. */
class FileChanges implements Changes {
  readonly #before: number;
  readonly #listed: readonly Change[];
  readonly #last: number;
  readonly #rule: PosixRule | null;

  constructor(
    { before, listed, last, rule }: {
      before: number;
      listed: readonly Change[];
      last: number;
      rule: PosixRule | null;
    },
  ) {
    this.#before = before;
    this.#listed = listed;
    this.#last = last;
    this.#rule = rule;
  }

  get isUtc(): boolean {
    const isFixed = this.#listed.length === 0 && (this.#rule?.isFixed ?? true);
    return isFixed && this.offsetAt(0) === 0;
  }

  offsetAt(instant: number): number {
    if (instant >= this.#last && this.#rule !== null) return this.#rule.offsetAt(instant);
    return this.#listed[this.#countUpTo(instant) - 1]?.offset ?? this.#before;
  }

  between(from: number, to: number): Change[] {
    const listed = this.#listed.slice(this.#countUpTo(from), this.#countUpTo(to - 1));
    const since = Math.max(from, this.#last);
    return this.#rule === null || to <= since
      ? listed
      : [...listed, ...this.#rule.changesBetween(since, to)];
  }

  /** Returns how many of the listed changes are not after an instant. */
  #countUpTo(instant: number): number {
    let low = 0, high = this.#listed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#listed[middle]!.at <= instant) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
