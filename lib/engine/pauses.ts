/**
 * The entries that a person has paused.
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

/** A request to pause or resume one entry, or all present and future ones. */
export interface PauseChange {
  readonly paused: boolean;
  /** The entry's name; null for all. */
  readonly entry: string | null;
}

export interface KeepOptions {
  clock: Clock;
  /** Ends the retries of failed writes. */
  signal: AbortSignal;
}

/** The number of attempts at a write while others write at the same time. */
const MAX_ATTEMPTS = 8;
/** The delay before a failed write is retried. */
const RETRY_MS = 2000;

/**
 * Keeps pauses across reloads and, with JetStream, across restarts. A change applies at once, and
 * has precedence over the store until it is stored.
 */
export class Pauses {
  /** The setting that was last read from the store. */
  #stored = new Setting();
  /** The revision of that setting; older ones are ignored. */
  #revision = 0;
  /** Changes that are not stored yet, oldest first; none overrides an older one completely. */
  #unstored: readonly PauseChange[] = [];
  /** The setting in effect: the stored one with these changes. */
  #current = new Setting();
  /** True where the store has lost the setting, which is to be written back. */
  #isLost = false;
  /** Whether a failed write may still arrive, unless a newer one arrives before it. */
  #isInDoubt = false;
  #isFollowing = false;
  #isRetrying = false;
  /** Settles after the last access to the store: accesses run one after the other. */
  #accesses: Promise<unknown> = Promise.resolve();
  #store: { store: KeyValue; key: string; options: KeepOptions | null } | null = null;

  /** Whether all entries are paused, whatever their names. */
  get all(): boolean {
    return this.#current.all;
  }

  /** The entries that are paused by name. */
  get entries(): ReadonlySet<string> {
    return this.#current.entries;
  }

  has(entry: string): boolean {
    return this.#current.all || this.#current.entries.has(entry);
  }

  /**
   * Keeps the pauses in `store` from now on; {@link Pauses.refresh} reads it.
   *
   * @param options where given, a failed write is retried until it succeeds; else at the next
   * change or refresh
   */
  keepIn(store: KeyValue, scheduler: string, options: KeepOptions | null = null): void {
    this.#store = { store, key: pausesKey(scheduler), options };
  }

  /**
   * Applies a change at once, then writes it to the store.
   *
   * @returns whether there is a store
   * @throws when it could not be written; it applies here nevertheless, and is written later
   */
  async change(change: PauseChange): Promise<boolean> {
    const others = this.#unstored.filter((each) => !undoes(change, each));
    this.#setUnstored([...others, change]);
    if (this.#store === null) return false;
    await this.#write();
    return true;
  }

  /**
   * Reads the store, and writes the changes that could not be stored before, and the setting that
   * the store has lost. Where they cannot be written, they stay unstored.
   *
   * @throws when the store cannot be read
   */
  async refresh(): Promise<void> {
    if (this.#store === null) return;
    await this.#inTurn(() => this.#read());
    if (this.#unstored.length > 0 || this.#isLost) await this.#write().catch(() => {});
  }

  /**
   * Takes over the changes of the store. Resolves as {@link KeyValue.watch} does.
   *
   * @param onChange called after each change
   */
  async follow(signal: AbortSignal, onChange: () => void): Promise<void> {
    if (this.#store === null) return;
    const { store, key } = this.#store;
    this.#isFollowing = true;
    this.#revision = 0; // a recreated bucket counts from 1
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
      // Replicas get the same request: the second finds it done.
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
        // After a conflict no earlier write can arrive any more, since the revision has changed.
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
    // Only a watch notices a recreated bucket, and only a watch can be ahead of this read.
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

  /** Retries a failed write until it succeeds. */
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

/** Reports whether `newer` overrides `older` completely. */
function undoes(newer: PauseChange, older: PauseChange): boolean {
  if (newer.entry !== null) return newer.entry === older.entry;
  // Resuming all also resumes each entry; pausing all keeps the state of each entry.
  return !newer.paused || (older.entry === null && older.paused);
}

/** The document of the store. */
class Setting {
  all = false;
  entries = new Set<string>();

  /** Reads a document; an invalid one pauses nothing. */
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
