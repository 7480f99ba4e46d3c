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

/** The part of a connection that the outbox uses. */
export interface Wire {
  readonly isUp: boolean;
  /** The maximum size of a message, with its headers, in bytes. */
  readonly maxPayload: number;
  write(frames: Uint8Array): void;
  /** Resolves with true when the server has processed what was written; false if it broke. */
  confirm(): Promise<boolean>;
}

/**
 * Above this, no batch is written until another is confirmed. It limits what is in doubt when the
 * connection breaks, and the time that a write blocks the event loop. A link with a round trip of
 * 50 ms still carries 20 MB/s.
 */
const MAX_UNCONFIRMED_BYTES = 1024 * 1024;
/** A batch of this size takes no more messages. It is large enough for a PING to cost little. */
const MAX_BATCH_BYTES = 64 * 1024;

/**
 * Holds messages until the server has them. Core NATS does not acknowledge messages, but answers a
 * PING only after everything written before it, so one PING confirms a batch. When the connection
 * breaks, messages that were not written stay here, in order. Messages that were written and not
 * confirmed may have arrived: they reject with {@link UnconfirmedError} and are not written again.
 *
 * The number of waiting messages has no limit. Publishers await them, and only a publisher knows
 * which messages it can drop.
 */
export class Outbox {
  #wire: Wire | null = null;
  /** The batches that are not written yet, in order. */
  readonly #waiting = new Set<Batch>();
  /** The last waiting batch, while messages may be added to it. */
  #open: Batch | null = null;
  readonly #written = new Set<Batch>();
  #writtenBytes = 0;
  /** The least `maxPayload` of the connections so far; 0 before the first. */
  #safeSize = 0;
  #pumpIsDue = false;
  /** Groups whose signal has no listener yet: most are written before they need one. */
  #unwatched: { group: Group; batch: Batch }[] = [];
  #onEmpty: (() => void)[] = [];

  /**
   * Adds a message. Resolves when the server has it.
   *
   * @param withdrawal the signal and the permit, which apply until the message is written
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
      // Messages that are published in one turn are written together.
      queueMicrotask(() => this.#pump());
    }
    return group.promise;
  }

  /** Writes the waiting messages, and all later ones, to `wire`. */
  attach(wire: Wire): void {
    this.#wire = wire;
    this.#safeSize = Math.min(this.#safeSize || Infinity, wire.maxPayload);
    this.#pump();
  }

  /**
   * Handles the end of the connection. The waiting messages stay.
   *
   * @returns the number of written messages that were not confirmed, which are rejected
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

  /** Rejects the unconfirmed messages to `subject`, which the server has refused. */
  refuse(subject: string, reason: Error): void {
    for (const { parts } of this.#written) {
      for (const { group } of parts) if (group.subject === subject) settle(group, reason);
    }
  }

  /** Rejects the waiting messages. */
  rejectWaiting(reasonFor: (subject: string) => Error): void {
    const given = [...this.#waiting].flatMap(({ parts }) => parts);
    this.#waiting.clear();
    this.#open = null;
    for (const { group } of given) settle(group, reasonFor(group.subject));
    this.#checkEmpty();
  }

  /** Resolves when every message is settled. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty.push(resolve);
      this.#checkEmpty();
    });
  }

  #openBatch(): Batch {
    if (this.#open !== null && this.#open.bytes >= MAX_BATCH_BYTES) {
      // For the garbage collector, bytes are a fifth of the work of the same messages as text.
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
      if (!wire?.isUp || this.#writtenBytes >= MAX_UNCONFIRMED_BYTES) break;
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
      // Withdrawn messages must not accumulate while the connection is down.
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
