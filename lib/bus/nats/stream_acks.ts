import { createInbox, type Msg } from "@nats-io/nats-core";
import type { Clock } from "../../time/clock.ts";
import { UnconfirmedError } from "../message_bus.ts";
import type { Receiver } from "./nats_connection.ts";
import { isNoResponders } from "./nats_replies.ts";
import { decodePayload } from "../payload.ts";
import { NoStreamError, type StreamAck, StreamError } from "../stream_bus.ts";

/** A message that waits for its acknowledgement. */
interface Expected extends PromiseWithResolvers<StreamAck> {
  readonly subject: string;
  readonly replyTo: string;
  /** In monotonic milliseconds; Infinity until the server has the message. */
  deadline: number;
}

/**
 * Receives the acknowledgements of all messages over one subscription; each message has its own
 * subject for the reply. One timer serves all.
 */
export class StreamAcks implements Receiver {
  readonly pattern: string;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #expected = new Map<string, Expected>();
  /** The messages that the server has, by deadline; some may be settled. */
  #received: Expected[] = [];
  #count = 0;
  #isSweeping = false;

  /**
   * @param timeout in milliseconds, from when the server has the message
   * @param inboxPrefix the prefix of the subjects
   */
  constructor(clock: Clock, timeout: number, inboxPrefix?: string) {
    this.#prefix = createInbox(inboxPrefix);
    this.#clock = clock;
    this.#timeout = timeout;
    this.pattern = `${this.#prefix}.*`;
  }

  expect(subject: string): Expected {
    const replyTo = `${this.#prefix}.${++this.#count}`;
    const expected = {
      ...Promise.withResolvers<StreamAck>(),
      subject,
      replyTo,
      deadline: Infinity,
    };
    this.#expected.set(replyTo, expected);
    return expected;
  }

  /** Starts the time limit of a message that the server has. */
  received(expected: Expected): void {
    if (!this.#expected.has(expected.replyTo)) return;
    expected.deadline = this.#clock.monotonic() + this.#timeout;
    this.#received.push(expected);
    if (!this.#isSweeping) void this.#sweep();
  }

  fail(expected: Expected, error: unknown): void {
    if (this.#expected.delete(expected.replyTo)) expected.reject(error);
  }

  /** Rejects the messages that the server has, as the connection broke; returns their number. */
  failReceived(): number {
    const open = this.#received.splice(0).filter(({ replyTo }) => this.#expected.has(replyTo));
    for (const expected of open) {
      this.fail(expected, unconfirmed(expected.subject, "the connection broke"));
    }
    return open.length;
  }

  deliver(message: Msg): void {
    const expected = this.#expected.get(message.subject);
    if (expected === undefined) return;
    const answer = readAck(expected.subject, message);
    if (answer === null) return; // the reply of a subscriber, not of a stream
    this.#expected.delete(message.subject);
    if (answer instanceof Error) expected.reject(answer);
    else expected.resolve(answer);
  }

  refused(error: Error): void {
    for (const expected of [...this.#expected.values()]) this.fail(expected, error);
  }

  /** Rejects messages whose deadline has passed, until none is left. */
  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    while (this.#received.length > 0) {
      await this.#clock.sleep(this.#timeout / 4);
      const now = this.#clock.monotonic();
      this.#received = this.#received.filter((expected) => {
        if (!this.#expected.has(expected.replyTo)) return false;
        if (expected.deadline > now) return true;
        this.fail(expected, unconfirmed(expected.subject, `${this.#timeout} ms passed`));
        return false;
      });
    }
    this.#isSweeping = false;
  }
}

function unconfirmed(subject: string, reason: string): UnconfirmedError {
  return new UnconfirmedError(
    `Cannot tell whether a stream stored the message to "${subject}": ` +
      `${reason} before it was acknowledged`,
  );
}

/**
 * Reads the answer of a stream, or returns null for another message:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#publishing-to-a-stream
 */
function readAck(subject: string, message: Msg): StreamAck | Error | null {
  if (isNoResponders(message)) {
    return new NoStreamError(`Cannot publish to "${subject}": no stream captures it`);
  }
  let answer: {
    stream?: unknown;
    seq?: unknown;
    duplicate?: unknown;
    error?: { err_code?: number; description?: string };
  };
  try {
    answer = decodePayload(message.data);
  } catch {
    return null;
  }
  const { stream, seq, duplicate, error } = answer;
  if (typeof error?.err_code === "number") {
    const text = `Cannot publish to "${subject}": the stream refuses it: ${error.description}`;
    return new StreamError(text, error.err_code);
  }
  if (typeof stream !== "string" || typeof seq !== "number") return null;
  return { stream, sequence: seq, isDuplicate: duplicate === true };
}
