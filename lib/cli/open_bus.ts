import type { MessageBus } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import { UsageError } from "./exit_codes.ts";
import type { BusOptions } from "./options.ts";
import { PrintingBus, type PrintingBusOptions } from "./printing_bus.ts";

export interface OpenBusOptions {
  logger: Logger;
  /** The time for which to try a first connection, in milliseconds. Default: the bus's own. */
  connectTimeout?: number;
  /** Starts without a server and keeps trying. */
  waitForFirst?: boolean;
  /** See {@link PrintingBusOptions.onClosed}. Memory bus only. */
  onStdoutClosed?: PrintingBusOptions["onClosed"];
}

/**
 * Makes the bus that the command line asks for, without connecting it.
 *
 * @throws {UsageError} when `--nats-url` is no list of URLs, or an option for NATS cannot be used
 */
export async function openBus(options: BusOptions, opening: OpenBusOptions): Promise<MessageBus> {
  if (options.bus === "memory") {
    return new PrintingBus({ logger: opening.logger, onClosed: opening.onStdoutClosed });
  }
  const { NatsBus } = await import("../bus/nats/nats_bus.ts"); // not loaded for the memory bus
  try {
    return new NatsBus({
      servers: options.natsUrl,
      name: "heddle-scheduler",
      logger: opening.logger,
      connectTimeout: opening.connectTimeout,
      waitForFirst: opening.waitForFirst,
      credentials: { credsFile: options.natsCreds, nkeyFile: options.natsNkey },
      tls: {
        caFile: options.natsCa,
        certFile: options.natsCert,
        keyFile: options.natsKey,
        handshakeFirst: options.natsTlsFirst,
      },
      inboxPrefix: options.natsInboxPrefix || undefined,
      jetStreamDomain: options.jsDomain || undefined,
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
