import type { MessageBus } from "../bus/message_bus.ts";
import type { Logger } from "../log/logger.ts";
import { UsageError } from "./exit_codes.ts";
import type { BusOptions } from "./options.ts";
import { PrintingBus } from "./printing_bus.ts";

export interface OpenBusOptions {
  logger: Logger;
  /** How long to try for a first connection, in milliseconds. Default: the bus's own. */
  connectTimeout?: number;
  /** Whether to start without a server and keep trying. */
  waitForFirst?: boolean;
  /** Called when the reader of our stdout has gone. Memory bus only. */
  onStdoutClosed?: () => void;
}

/**
 * The bus that the command line asks for, not connected yet.
 *
 * @throws {UsageError} when `--nats-url` holds no URL of a server
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
      tls: { caFile: options.natsCa, certFile: options.natsCert, keyFile: options.natsKey },
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message); // a URL that is none
    throw error;
  }
}
