import { NotPermittedError, UnconfirmedError } from "../message_bus.ts";
import {
  addTo,
  type Batch,
  belongsTo,
  type Group,
  newBatch,
  newGroup,
  seal,
  settle,
  unsettled,
  type Withdrawal,
} from "./outgoing.ts";
import type { Frame } from "./nats_frame.ts";

/** What the outbox needs of a connection. */
export interface Wire {
  readonly isUp: boolean;
  /** The largest message that the server takes, in bytes. */
  readonly maxPayload: number;
  write(frames: Uint8Array): void;
  /** Resolves with true when the server has taken what was written, with false when it broke. */
  confirm(): Promise<boolean>;
}

/**
 * Written and not yet confirmed, at most, in bytes: what a break can leave in doubt. It also keeps
 * the event loop free, since one turn of it writes no more than this. A link with 50 ms of round
 * trip still carries 20 MB/s.
 */
const WINDOW_BYTES = 1024 * 1024;
/** Written in one go, in bytes: large enough to make a PING for each cheap. */
const BATCH_BYTES = 64 * 1024;

/**
 * Messages between `publish` and the server. Core NATS acknowledges nothing, but it answers a PING
 * after all that was written before it: one PING per batch confirms the batch. When the connection
 * breaks, what was not written stays here, in order; what was written and not confirmed may or may
 * not have arrived, is given back as such and never written again.
 *
 * Nothing bounds what waits but its publishers, who await it: bounding it here would mean to throw
 * away or to refuse, and only they know which they would rather lose.
 */
export class Outbox {
  #wire: Wire | null = null;
  /** In order. */
  readonly #waiting = new Set<Batch>();
  /** The last of those that wait, while more may be added to it. */
  #open: Batch | null = null;
  readonly #written = new Set<Batch>();
  #writtenBytes = 0;
  /** What every server so far would take, in bytes. */
  #safeSize = 0;
  #pumpIsDue = false;
  /** Groups whose signal nobody listens to yet: most are written before it would matter. */
  #unwatched: { group: Group; batch: Batch }[] = [];
  #onEmpty: (() => void)[] = [];

  /**
   * Takes one message. Resolves when the server has taken it.
   *
   * @param withdrawal what withdraws the message while it is unwritten
   */
  add(subject: string, frame: Frame, withdrawal: Withdrawal = {}): Promise<void> {
    const batch = this.#openBatch();
    const isAlone = frame.size > this.#safeSize;
    let group = isAlone ? undefined : batch.groups.get(subject);
    if (group === undefined || !belongsTo(group, withdrawal)) {
      group = newGroup(subject, withdrawal);
      if (!isAlone) batch.groups.set(subject, group);
      if (withdrawal.signal !== undefined) this.#unwatched.push({ group, batch });
    }
    addTo(batch, group, frame);
    if (!this.#pumpIsDue) {
      this.#pumpIsDue = true;
      // What is published in one go is written in one go.
      queueMicrotask(() => this.#pump());
    }
    return group.promise;
  }

  /** Writes what waits, from now on, to `wire`. */
  attach(wire: Wire): void {
    this.#wire = wire;
    this.#safeSize = Math.min(this.#safeSize || Infinity, wire.maxPayload);
    this.#pump();
  }

  /**
   * The connection is gone. Keeps what waits.
   *
   * @returns how many messages were written and not confirmed; their publishers are told
   */
  detach(): number {
    this.#wire = null;
    const doubtful = [...this.#written].flatMap(({ parts }) => parts)
      .filter(({ group }) => !group.isSettled);
    this.#written.clear();
    this.#writtenBytes = 0;
    for (const { group } of doubtful) {
      const reason = "the connection broke after it was written and before the server confirmed " +
        "it; it is not sent again";
      const text = `Cannot tell whether the message to "${group.subject}" arrived: ${reason}`;
      settle(group, new UnconfirmedError(text));
    }
    this.#checkEmpty();
    return doubtful.reduce((sum, { count }) => sum + count, 0);
  }

  /** The server refuses what was written to `subject`. */
  refuse(subject: string, reason: Error): void {
    for (const { parts } of this.#written) {
      for (const { group } of parts) if (group.subject === subject) settle(group, reason);
    }
  }

  /** Gives up what waits. */
  rejectWaiting(reasonFor: (subject: string) => Error): void {
    const given = [...this.#waiting].flatMap(({ parts }) => parts);
    this.#waiting.clear();
    this.#open = null;
    for (const { group } of given) settle(group, reasonFor(group.subject));
    this.#checkEmpty();
  }

  /** Resolves when nothing waits and everything written is confirmed or given back. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
      this.#checkEmpty();
    });
  }

  #openBatch(): Batch {
    if (this.#open !== null && this.#open.bytes >= BATCH_BYTES) {
      // Bytes are a fifth of the work for the garbage collector that as many short texts are.
      seal(this.#open);
      this.#open = null;
    }
    if (this.#open === null) {
      this.#open = newBatch();
      this.#waiting.add(this.#open);
    }
    return this.#open;
  }

  #pump(): void {
    this.#pumpIsDue = false;
    const wire = this.#wire;
    for (const batch of this.#waiting) {
      if (!wire?.isUp || this.#writtenBytes >= WINDOW_BYTES) break;
      this.#waiting.delete(batch);
      if (batch === this.#open) this.#open = null;
      this.#write(batch, wire);
    }
    this.#watch();
    this.#checkEmpty();
  }

  #watch(): void {
    for (const { group, batch } of this.#unwatched.splice(0)) {
      if (this.#waiting.has(batch)) this.#listen(group, batch);
    }
  }

  #write(batch: Batch, wire: Wire): void {
    for (const { group, largest } of batch.parts) {
      const { signal, permit } = group.withdrawal;
      if (signal?.aborted) settle(group, signal.reason);
      else if (permit?.() === false) {
        const text = `Cannot publish to "${group.subject}": it is not permitted any more`;
        settle(group, new NotPermittedError(text));
      }
      if (largest <= wire.maxPayload) continue;
      const reason = `a message has ${largest} bytes, the server takes at most ${wire.maxPayload}`;
      settle(group, new RangeError(`Cannot publish to "${group.subject}": ${reason}`));
    }
    const frames = unsettled(batch.sealed ?? seal(batch));
    if (frames.length === 0) return;
    for (const { group } of batch.parts) group.forget?.();
    this.#written.add(batch);
    this.#writtenBytes += batch.bytes;
    wire.write(frames);
    void wire.confirm().then((isConfirmed) => {
      if (isConfirmed) this.#confirmed(batch);
    });
  }

  #confirmed(batch: Batch): void {
    if (!this.#written.delete(batch)) return;
    this.#writtenBytes -= batch.bytes;
    for (const { group } of batch.parts) settle(group);
    this.#pump();
  }

  #listen(group: Group, batch: Batch): void {
    const { signal } = group.withdrawal;
    const withdraw = () => {
      settle(group, signal?.reason);
      // While the connection is down for days, what is withdrawn must not pile up.
      if (batch.sealed === null) {
        batch.parts = batch.parts.filter((part) => part.group !== group);
        batch.bytes = batch.parts.reduce((sum, { bytes }) => sum + bytes, 0);
      }
      if (batch !== this.#open && batch.parts.every((part) => part.group.isSettled)) {
        this.#waiting.delete(batch);
      }
      this.#checkEmpty();
    };
    if (signal?.aborted) return withdraw();
    signal?.addEventListener("abort", withdraw, { once: true });
    group.forget = () => signal?.removeEventListener("abort", withdraw);
  }

  #checkEmpty(): void {
    if (this.#onEmpty.length === 0 || this.#written.size > 0) return;
    for (const { parts } of this.#waiting) {
      if (parts.some(({ group }) => !group.isSettled)) return;
    }
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
