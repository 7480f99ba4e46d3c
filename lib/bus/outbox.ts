import { UnconfirmedError } from "./message_bus.ts";
import type { Frame } from "./nats_frame.ts";

/** What the outbox needs of a connection. */
export interface Wire {
  readonly isUp: boolean;
  readonly maxPayload: number;
  write(frames: string): void;
  /** Resolves with true when the server has taken what was written, with false when it broke. */
  confirm(): Promise<boolean>;
}

/** One message on its way out. */
interface Outgoing {
  readonly subject: string;
  readonly frame: Frame;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Stops listening to the signal that withdraws it. */
  forget?: () => void;
  state: "waiting" | "written" | "settled";
}

/** Written together, and confirmed by one PONG. */
interface Batch {
  readonly messages: Outgoing[];
  bytes: number;
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
  #waiting: Outgoing[] = [];
  /** Where in `#waiting` the first message is that was not looked at yet. */
  #next = 0;
  /** How many of those after it have been withdrawn. */
  #withdrawn = 0;
  readonly #written = new Set<Batch>();
  #writtenBytes = 0;
  /** How many messages wait or are written and not confirmed. */
  #unsettled = 0;
  #pumpIsDue = false;
  #onEmpty: (() => void)[] = [];

  /**
   * Takes one message. Resolves when the server has taken it.
   *
   * @param signal withdraws the message while it is unwritten
   */
  add(subject: string, frame: Frame, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const message: Outgoing = { subject, frame, resolve, reject, state: "waiting" };
      if (signal !== undefined) this.#listen(message, signal);
      this.#waiting.push(message);
      this.#unsettled++;
      if (this.#pumpIsDue) return;
      this.#pumpIsDue = true;
      // What is published in one go is written in one go.
      queueMicrotask(() => this.#pump());
    });
  }

  /** Writes what waits, from now on, to `wire`. */
  attach(wire: Wire): void {
    this.#wire = wire;
    this.#pump();
  }

  /**
   * The connection is gone. Keeps what waits.
   *
   * @returns how many messages were written and not confirmed; their publishers are told
   */
  detach(): number {
    this.#wire = null;
    const doubtful = [...this.#written].flatMap(({ messages }) => messages)
      .filter(({ state }) => state === "written");
    this.#written.clear();
    this.#writtenBytes = 0;
    for (const message of doubtful) {
      const reason = "the connection broke after it was written and before the server confirmed " +
        "it; it is not sent again";
      const text = `Cannot tell whether the message to "${message.subject}" arrived: ${reason}`;
      this.#settle(message, new UnconfirmedError(text));
    }
    return doubtful.length;
  }

  /** The server refuses what was written to `subject`. */
  refuse(subject: string, reason: Error): void {
    for (const { messages } of this.#written) {
      for (const message of messages) {
        if (message.subject === subject) this.#settle(message, reason);
      }
    }
  }

  /** Gives up what waits. */
  rejectWaiting(reasonFor: (subject: string) => Error): void {
    const given = this.#waiting.slice(this.#next);
    this.#waiting = [];
    this.#next = 0;
    this.#withdrawn = 0;
    for (const message of given) this.#settle(message, reasonFor(message.subject));
  }

  /** Resolves when nothing waits and everything written is confirmed or given back. */
  empty(): Promise<void> {
    if (this.#unsettled === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #pump(): void {
    this.#pumpIsDue = false;
    const wire = this.#wire;
    while (wire?.isUp && this.#next < this.#waiting.length && this.#writtenBytes < WINDOW_BYTES) {
      this.#writeBatch(wire);
    }
  }

  #writeBatch(wire: Wire): void {
    const batch: Batch = { messages: [], bytes: 0 };
    const limit = wire.maxPayload;
    let text = "";
    while (this.#next < this.#waiting.length && batch.bytes < BATCH_BYTES) {
      const message = this.#waiting[this.#next++]!;
      const { size, bytes } = message.frame;
      if (message.state === "settled") {
        this.#withdrawn--;
      } else if (size > limit) {
        const reason = `the message has ${size} bytes, the server takes at most ${limit}`;
        this.#settle(
          message,
          new RangeError(`Cannot publish to "${message.subject}": ${reason}`),
        );
      } else {
        message.state = "written";
        text += message.frame.text;
        batch.bytes += bytes;
        batch.messages.push(message);
      }
    }
    this.#dropTaken();
    if (batch.messages.length === 0) return;
    this.#written.add(batch);
    this.#writtenBytes += batch.bytes;
    wire.write(text);
    void wire.confirm().then((isConfirmed) => {
      if (isConfirmed) this.#confirmed(batch);
    });
  }

  #confirmed(batch: Batch): void {
    if (!this.#written.delete(batch)) return;
    this.#writtenBytes -= batch.bytes;
    for (const message of batch.messages) this.#settle(message);
    this.#pump();
  }

  #settle(message: Outgoing, error?: unknown): void {
    if (message.state === "settled") return;
    message.state = "settled";
    message.forget?.();
    if (error === undefined) message.resolve();
    else message.reject(error);
    if (--this.#unsettled === 0) this.#onEmpty.splice(0).forEach((resolve) => resolve());
  }

  #listen(message: Outgoing, signal: AbortSignal): void {
    const withdraw = () => {
      if (message.state !== "waiting") return;
      this.#settle(message, signal.reason);
      this.#withdrawn++;
      this.#dropWithdrawn();
    };
    signal.addEventListener("abort", withdraw, { once: true });
    message.forget = () => signal.removeEventListener("abort", withdraw);
  }

  /** Cutting the front off a long array at each batch is slow: it goes when it is half of it. */
  #dropTaken(): void {
    if (this.#next * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  }

  /** While the connection is down for days, what was withdrawn must not pile up. */
  #dropWithdrawn(): void {
    if (this.#withdrawn * 2 < this.#waiting.length - this.#next) return;
    this.#waiting = this.#waiting.slice(this.#next).filter(({ state }) => state === "waiting");
    this.#next = 0;
    this.#withdrawn = 0;
  }
}
