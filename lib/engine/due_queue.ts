/**
 * A binary heap of due times. It reads no clock: the caller passes the time. A wake-up costs
 * O(log n) for each due job.
 *
 * Items are small integers, the jobs' places in the table. They also break ties: jobs that are due
 * at the same instant come out in file order.
 */
export class DueQueue {
  // Two parallel arrays make a heap of 100,000 jobs two allocations.
  readonly #dues: number[];
  readonly #items: number[];

  /** @param dues the due time of each item, by item; Infinity for never */
  constructor(dues: readonly number[] = []) {
    const items = [...dues.keys()].filter((item) => dues[item] !== Infinity);
    // A copy has no spare capacity, unlike an array that grew.
    this.#items = items.slice();
    this.#dues = items.map((item) => dues[item]!);
    // Floyd's construction: from the last parent to the root, in linear time.
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  get size(): number {
    return this.#items.length;
  }

  /** The earliest due time, in milliseconds since the Unix epoch; Infinity when empty. */
  get nextDue(): number {
    return this.#dues[0] ?? Infinity;
  }

  /** Adds `item`, which is due at `due` (milliseconds since the Unix epoch). */
  add(item: number, due: number): void {
    this.#dues.push(due);
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** Removes and returns the first item that is due at `now`, or null when none is. */
  takeDue(now: number): number | null {
    const first = this.#items[0];
    if (first === undefined || this.nextDue > now) return null;
    const due = this.#dues.pop()!;
    const item = this.#items.pop()!;
    if (this.#items.length > 0) {
      this.#dues[0] = due;
      this.#items[0] = item;
      this.#sink(0);
    }
    return first;
  }

  /** Calls `each` with every item and its due time, in no particular order. */
  forEach(each: (item: number, due: number) => void): void {
    this.#items.forEach((item, at) => each(item, this.#dues[at]!));
  }

  /** Returns the items that are due at {@link nextDue}, in no particular order. */
  dueNext(): number[] {
    const found: number[] = [];
    const open = [0];
    for (let at; (at = open.pop()) !== undefined;) {
      const item = this.#items[at];
      if (item === undefined || this.#dues[at] !== this.nextDue) continue;
      found.push(item);
      open.push(2 * at + 2, 2 * at + 1);
    }
    return found;
  }

  /** Reports whether the pair at `a` comes before the pair of `due` and `item`. */
  #isBefore(a: number, due: number, item: number): boolean {
    const difference = this.#dues[a]! - due;
    return difference < 0 || (difference === 0 && this.#items[a]! < item);
  }

  #set(at: number, due: number, item: number): void {
    this.#dues[at] = due;
    this.#items[at] = item;
  }

  #rise(from: number): void {
    const due = this.#dues[from]!;
    const item = this.#items[from]!;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#isBefore(parent, due, item)) break;
      this.#set(at, this.#dues[parent]!, this.#items[parent]!);
      at = parent;
    }
    this.#set(at, due, item);
  }

  #sink(from: number): void {
    const size = this.#items.length;
    const due = this.#dues[from]!;
    const item = this.#items[from]!;
    let at = from;
    for (let child; (child = 2 * at + 1) < size; at = child) {
      const right = child + 1;
      if (right < size && this.#isBefore(right, this.#dues[child]!, this.#items[child]!)) child++;
      if (!this.#isBefore(child, due, item)) break;
      this.#set(at, this.#dues[child]!, this.#items[child]!);
    }
    this.#set(at, due, item);
  }
}
