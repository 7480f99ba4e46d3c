import { MemoryBus } from "../bus/memory_bus.ts";
import type { JsonObject, PublishOptions } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";

export interface PrintingBusOptions {
  logger: Logger;
  /** Called once, when the reader of the output has closed it. */
  onClosed?: () => void;
  /** Default: stdout. */
  output?: WritableStream<Uint8Array>;
}

/** A memory bus that also prints each published message: one line of JSON on stdout. */
export class PrintingBus extends MemoryBus {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #onClosed: () => void;

  constructor({ logger, onClosed = () => {}, output = Deno.stdout.writable }: PrintingBusOptions) {
    super({ logger });
    this.#onClosed = onClosed;
    this.#writer = output.getWriter();
    this.#writer.closed.catch(() => {});
  }

  override async publish(
    subject: string,
    data: JsonObject,
    options: PublishOptions = {},
  ): Promise<void> {
    const line = JSON.stringify({ subject, data, headers: options.headers ?? {} });
    await super.publish(subject, data, options);
    try {
      await this.#writer.write(this.#encoder.encode(`${line}\n`));
    } catch {
      this.#onClosed();
      this.#onClosed = () => {};
    }
  }
}
