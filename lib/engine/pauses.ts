/**
 * Which entries a person has paused.
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import { ConflictError, type KeyValue } from "../bus/stream_bus.ts";
import { pausesKey } from "../durable/keys.ts";

/** One thing that a person asks for: of one entry, or of all there are and will be. */
export interface PauseChange {
  readonly paused: boolean;
  /** Null for all. */
  readonly entry: string | null;
}

/** How often a write is tried when others write at the same time. */
const ATTEMPTS = 8;

/** Outlives a reload; kept in JetStream, where there is one, also a restart. */
export class Pauses {
  #all = false;
  #entries = new Set<string>();
  /** Changes from before there was a store. */
  #unkept: PauseChange[] = [];
  /** One write after the other, in the order in which they were asked for. */
  #writes: Promise<unknown> = Promise.resolve();
  #store: { scheduler: string; store: KeyValue } | null = null;

  /** Whether all entries are, whatever their names. */
  get all(): boolean {
    return this.#all;
  }

  /** Those that are paused one by one. */
  get entries(): ReadonlySet<string> {
    return this.#entries;
  }

  has(entry: string): boolean {
    return this.#all || this.#entries.has(entry);
  }

  /** Keeps them in `store` from now on. What is kept there is read by {@link Pauses.refresh}. */
  keepIn(store: KeyValue, scheduler: string): void {
    this.#store = { store, scheduler };
  }

  /**
   * Makes the change, here at once, then where it is kept.
   *
   * @returns whether it is kept
   * @throws when it could not be written; it holds until the end of this process all the same
   */
  change(change: PauseChange): Promise<boolean> {
    this.#apply(change);
    const written = this.#writes.then(() => this.#keep(change));
    this.#writes = written.catch(() => {});
    return written;
  }

  async #keep(change: PauseChange): Promise<boolean> {
    if (this.#store === null) {
      this.#unkept.push(change);
      return false;
    }
    const { store, scheduler } = this.#store;
    const key = pausesKey(scheduler);
    for (let attempt = 1;; attempt++) {
      const found = await store.get(key);
      const kept = new Pauses();
      kept.#read(found?.value);
      // Replicas are told the same: the second finds it done.
      if (!kept.#apply(change)) return true;
      try {
        await store.put(key, kept.#document(), found?.revision ?? 0);
        return true;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /**
   * Takes over what is kept. The first time, what was paused before there was a store is added to
   * that.
   *
   * @throws when it cannot be read or written
   */
  async refresh(): Promise<void> {
    if (this.#store === null) return;
    const { store, scheduler } = this.#store;
    for (; this.#unkept.length > 0; this.#unkept.shift()) await this.#keep(this.#unkept[0]!);
    const found = await store.get(pausesKey(scheduler));
    if (found !== null) this.#read(found.value);
  }

  /**
   * Takes over each change of what is kept, by whomever. Resolves as {@link KeyValue.watch} does.
   *
   * @param onChange called after each
   */
  async follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    if (this.#store === null) return;
    const { store, scheduler } = this.#store;
    await store.watch(pausesKey(scheduler), (_key, { value }) => {
      this.#read(value);
      onChange();
    }, signal);
  }

  /** @returns whether anything changed */
  #apply({ paused, entry }: PauseChange): boolean {
    const before = JSON.stringify(this.#document());
    if (entry === null) {
      this.#all = paused;
      if (!paused) this.#entries.clear();
    } else if (paused) {
      this.#entries.add(entry);
    } else {
      this.#entries.delete(entry);
    }
    return JSON.stringify(this.#document()) !== before;
  }

  #document(): JsonObject {
    return { all: this.#all, entries: [...this.#entries].sort() };
  }

  #read({ all, entries }: JsonObject = {}): void {
    this.#all = all === true;
    const names = Array.isArray(entries) ? entries : [];
    this.#entries = new Set(names.filter((name) => typeof name === "string"));
  }
}
