import type { MessageBus } from "../bus/message_bus.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import { EXIT } from "./exit_codes.ts";
import { openBus } from "./open_bus.ts";
import { type BusOptions, type LoggingOptions, startLogging } from "./options.ts";
import { printError } from "./print.ts";

/** The time for which a command tries to connect. */
export const CONNECT_TIMEOUT_MS = 5000;

/**
 * Connects, does one thing on the bus, and closes. A failure is one line on stderr.
 *
 * @param connectTimeout the time for which to try to connect, in milliseconds
 * @returns the exit code: what `work` returns, or 1 when it throws
 */
export async function onceConnected(
  options: BusOptions & LoggingOptions,
  work: (bus: MessageBus, logger: Logger) => Promise<number>,
  connectTimeout = CONNECT_TIMEOUT_MS,
): Promise<number> {
  const log = startLogging(options);
  const { logger } = log;
  const bus = await openBus(options, { logger, connectTimeout });
  try {
    await bus.connect();
    return await work(bus, logger);
  } catch (error) {
    printError(errorText(error));
    return EXIT.failure;
  } finally {
    await bus.close();
    await log.end();
  }
}
