import { BusClosedError, type MessageBus, UnconfirmedError } from "../../lib/bus/message_bus.ts";
import type { JsonObject, Message, PublishOptions } from "../../lib/bus/message_bus.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";
import type { Subscription } from "../../lib/bus/message_bus.ts";

export interface Published {
  subject: string;
  data: JsonObject;
  headers: Record<string, string>;
}

/** A bus whose connection the test cuts, restores and slows down. It only publishes. */
export class SwitchableBus implements MessageBus {
  readonly published: Published[] = [];
  /** Whether what is published stays unconfirmed until `confirmAll`. */
  slow = false;
  #connected = true;
  #waiting: (() => void)[] = [];
  #unconfirmed: { resolve(): void; reject(error: Error): void }[] = [];

  get connected(): boolean {
    return this.#connected;
  }

  cut(): void {
    this.#connected = false;
    const lost = new UnconfirmedError("The connection broke");
    for (const { reject } of this.#unconfirmed.splice(0)) reject(lost);
  }

  restore(): void {
    this.#connected = true;
    for (const resume of this.#waiting.splice(0)) resume();
  }

  confirmAll(): void {
    for (const { resolve } of this.#unconfirmed.splice(0)) resolve();
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  whenConnected(signal?: AbortSignal): Promise<void> {
    if (this.#connected) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      signal?.addEventListener("abort", () => resolve());
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async publish(subject: string, data: JsonObject, options: PublishOptions = {}): Promise<void> {
    while (!this.#connected) {
      await this.whenConnected(options.signal);
      options.signal?.throwIfAborted();
    }
    const unsent = data.payload as JsonObject | undefined;
    if (unsent?.refuse) throw new BusClosedError("Refused by the test");
    holdToSchema(subject, data);
    this.published.push({ subject, data, headers: options.headers ?? {} });
    if (!this.slow) return;
    await new Promise<void>((resolve, reject) => this.#unconfirmed.push({ resolve, reject }));
  }

  subscribe(): Promise<Subscription> {
    throw new Error("Not for subscribing");
  }

  request(): Promise<Message> {
    throw new Error("Not for requests");
  }
}
