import { MemoryBus } from "../bus/memory_bus.ts";
import type { JsonObject, PublishOptions } from "../bus/message_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";

export interface PrintingBusOptions {
  logger: Logger;
  /**
   * Called once, when nothing can be written any more.
   *
   * @param error why, where it is not that the reader has closed the output; else null
   */
  onClosed?: (error: Error | null) => void;
  /** Default: stdout. */
  output?: WritableStream<Uint8Array>;
}

/** A memory bus that also prints each published message: one line of JSON on stdout. */
export class PrintingBus extends MemoryBus {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #onClosed: (error: Error | null) => void;

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
    } catch (cause) {
      const isReaderGone = cause instanceof Deno.errors.BrokenPipe;
      const error = new Error(`Cannot write to stdout: ${errorText(cause)}`, { cause });
      this.#onClosed(isReaderGone ? null : error);
      this.#onClosed = () => {};
      if (!isReaderGone) throw error;
    }
  }
}
