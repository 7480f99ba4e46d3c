/**
 * Which entries a person has paused.
 *
 * @module
 */
import type { JsonObject } from "../bus/message_bus.ts";
import {
  ConflictError,
  type KeyValue,
  type Revised,
  WriteInProcessError,
} from "../bus/stream_bus.ts";
import { pausesKey } from "../durable/keys.ts";
import type { Clock } from "../time/clock.ts";

/** One thing that a person asks for: of one entry, or of all there are and will be. */
export interface PauseChange {
  readonly paused: boolean;
  /** Null for all. */
  readonly entry: string | null;
}

export interface KeepOptions {
  clock: Clock;
  /** Ends the attempts to write what could not be written. */
  signal: AbortSignal;
}

/** How often a write is tried when others write at the same time. */
const MAX_ATTEMPTS = 8;
/** Before a write that failed is tried again. */
const RETRY_MS = 2000;

/**
 * Outlives a reload; kept in JetStream, where there is one, also a restart. What is asked for here
 * holds at once, and against whatever is read, until it is stored.
 */
export class Pauses {
  /** What the store had, as far as it was read. */
  #stored = new Setting();
  /** Of what was read; what is older says nothing new. */
  #revision = 0;
  /** Changes that are not stored yet, the oldest first: no two of which the later undoes. */
  #unstored: readonly PauseChange[] = [];
  /** What holds: what is stored with these changes. */
  #current = new Setting();
  /** Whether the store has lost what it had: that is written back. */
  #isLost = false;
  /** Whether a write of ours failed that may still arrive, unless a newer one comes before it. */
  #isInDoubt = false;
  #isFollowing = false;
  #isRetrying = false;
  /** One access to the store after the other, in the order in which they were asked for. */
  #accesses: Promise<unknown> = Promise.resolve();
  #store: { store: KeyValue; key: string; options: KeepOptions | null } | null = null;

  /** Whether all entries are, whatever their names. */
  get all(): boolean {
    return this.#current.all;
  }

  /** Those that are paused one by one. */
  get entries(): ReadonlySet<string> {
    return this.#current.entries;
  }

  has(entry: string): boolean {
    return this.#current.all || this.#current.entries.has(entry);
  }

  /**
   * Keeps them in `store` from now on. What is kept there is read by {@link Pauses.refresh}.
   *
   * @param options with them, a write that failed is tried again until it succeeds; without, at the
   * next change or refresh
   */
  keepIn(store: KeyValue, scheduler: string, options: KeepOptions | null = null): void {
    this.#store = { store, key: pausesKey(scheduler), options };
  }

  /**
   * Makes the change, here at once, then where it is kept.
   *
   * @returns whether it is kept
   * @throws when it could not be written; it holds here all the same, and is written later
   */
  async change(change: PauseChange): Promise<boolean> {
    const others = this.#unstored.filter((each) => !undoes(change, each));
    this.#setUnstored([...others, change]);
    if (this.#store === null) return false;
    await this.#write();
    return true;
  }

  /**
   * Takes over what is kept, and adds to it what could not be stored before, and what the store has
   * lost. Where that cannot be written, it stays as it is: unstored.
   *
   * @throws when it cannot be read
   */
  async refresh(): Promise<void> {
    if (this.#store === null) return;
    await this.#inTurn(() => this.#read());
    if (this.#unstored.length > 0 || this.#isLost) await this.#write().catch(() => {});
  }

  /**
   * Takes over each change of what is kept, by whomever. Resolves as {@link KeyValue.watch} does.
   *
   * @param onChange called after each
   */
  async follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    if (this.#store === null) return;
    const { store, key } = this.#store;
    this.#isFollowing = true;
    this.#revision = 0; // a bucket that was made again counts from 1
    try {
      await store.watch(key, (_key, revised) => {
        this.#take(revised);
        onChange();
      }, signal);
    } finally {
      this.#isFollowing = false;
    }
  }

  async #write(): Promise<void> {
    try {
      await this.#inTurn(() => this.#writeUnstored());
    } catch (error) {
      void this.#retry();
      throw error;
    }
  }

  async #writeUnstored(): Promise<void> {
    const { store, key } = this.#store!;
    for (let attempt = 1;; attempt++) {
      const found = await this.#read();
      const changes = this.#unstored;
      const setting = this.#isLost ? this.#stored.copy() : Setting.from(found?.value);
      const before = JSON.stringify(setting.document());
      for (const change of changes) setting.apply(change);
      // Replicas are told the same: the second finds it done.
      const isDone = JSON.stringify(setting.document()) === before && !this.#isInDoubt;
      const revision = found?.revision ?? 0;
      try {
        if (this.#isLost || (changes.length > 0 && !isDone)) {
          const value = setting.document();
          this.#take({ value, revision: await store.put(key, value, revision) });
        }
        this.#isInDoubt = false;
        this.#setUnstored(this.#unstored.filter((each) => !changes.includes(each)));
        return;
      } catch (error) {
        // Nothing that was written before can arrive any more where the revision is another.
        this.#isInDoubt = !(error instanceof ConflictError);
        if (this.#isInDoubt || attempt === MAX_ATTEMPTS) throw error;
        if (((await store.get(key))?.revision ?? 0) === revision) {
          throw new WriteInProcessError(key);
        }
      }
    }
  }

  async #read(): Promise<Revised | null> {
    const { store, key } = this.#store!;
    // Without a watch nobody says that a bucket was made again; nor can what is read be outrun.
    if (!this.#isFollowing) this.#revision = 0;
    const found = await store.get(key);
    if (found === null) this.#revision = 0;
    this.#take(found ?? { value: {}, revision: 0 });
    return found;
  }

  #take({ value, revision }: Pick<Revised, "value" | "revision">): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    // Who resumes all leaves a setting behind; what has none was deleted.
    this.#isLost = !("entries" in value) && !this.#stored.isEmpty;
    if (!this.#isLost) this.#stored = Setting.from(value);
    this.#setUnstored(this.#unstored);
  }

  #setUnstored(changes: readonly PauseChange[]): void {
    this.#unstored = changes;
    this.#current = this.#stored.copy();
    for (const change of changes) this.#current.apply(change);
  }

  /** Writes again what could not be written. */
  async #retry(): Promise<void> {
    const options = this.#store?.options ?? null;
    if (options === null || this.#isRetrying) return;
    this.#isRetrying = true;
    const { clock, signal } = options;
    while (this.#unstored.length > 0 && !signal.aborted) {
      await clock.sleep(RETRY_MS, signal);
      if (signal.aborted) break;
      await this.#inTurn(() => this.#writeUnstored()).catch(() => {});
    }
    this.#isRetrying = false;
  }

  #inTurn<T>(access: () => Promise<T>): Promise<T> {
    const done = this.#accesses.then(access);
    this.#accesses = done.catch(() => {});
    return done;
  }
}

/** Whether nothing is left of `older` once `newer` is made. */
function undoes(newer: PauseChange, older: PauseChange): boolean {
  if (newer.entry !== null) return newer.entry === older.entry;
  // To resume all also resumes each; to pause all leaves the rest for after that.
  return !newer.paused || (older.entry === null && older.paused);
}

/** What is paused, as it stands in the store. */
class Setting {
  all = false;
  entries = new Set<string>();

  /** What is none pauses nothing. */
  static from({ all, entries }: JsonObject = {}): Setting {
    const setting = new Setting();
    setting.all = all === true;
    const names = Array.isArray(entries) ? entries : [];
    setting.entries = new Set(names.filter((name) => typeof name === "string"));
    return setting;
  }

  get isEmpty(): boolean {
    return !this.all && this.entries.size === 0;
  }

  copy(): Setting {
    const copy = new Setting();
    copy.all = this.all;
    copy.entries = new Set(this.entries);
    return copy;
  }

  apply({ paused, entry }: PauseChange): void {
    if (entry === null) {
      this.all = paused;
      if (!paused) this.entries.clear();
    } else if (paused) {
      this.entries.add(entry);
    } else {
      this.entries.delete(entry);
    }
  }

  document(): JsonObject {
    return { all: this.all, entries: [...this.entries].sort() };
  }
}
