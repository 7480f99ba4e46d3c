import { Command } from "commander";
import { BusConnectError } from "../../bus/message_bus.ts";
import { JetStreamUnavailableError, NoStreamError } from "../../bus/stream_bus.ts";
import { errorText } from "../../internal/error_text.ts";
import { unlessAborted } from "../../internal/unless_aborted.ts";
import type { Logger } from "../../log/logger.ts";
import { ProcessSignals } from "../../actor/process_signals.ts";
import { ignoreUserSignals } from "../../actor/user_signals.ts";
import { ConfigError } from "../../config/config_error.ts";
import { SchedulerActor } from "../../scheduler/scheduler_actor.ts";
import { systemClock } from "../../time/clock.ts";
import { startTracing } from "../../trace/start_tracing.ts";
import type { ExportedTracing } from "../../trace/tracing.ts";
import { VERSION } from "../../wire/version.ts";
import { EXIT, type SetExitCode, UsageError } from "../exit_codes.ts";
import {
  addHttpOptions,
  checkControl,
  type HttpOptions,
  isLoopback,
  readToken,
} from "../http_options.ts";
import { openBus } from "../open_bus.ts";
import { earliestClock } from "../version.ts";
import {
  addBusOptions,
  addConfigOption,
  addExpandRootOption,
  addLoggingOptions,
  addTracingOption,
  addWireOption,
  type BusOptions,
  type ConfigOptions,
  type LoggingOptions,
  memoryLimitOption,
  startLogging,
  type TracingOptions,
  type WireOptions,
} from "../options.ts";
import { addDurabilityOptions, type DurabilityOptions, replicasOf } from "../replica_options.ts";

/** What is left to send, or to log, at the end has so long, in milliseconds. */
const MAX_CLOSE_MS = 500;
/** What is left to log when the process exits at once. */
const MAX_EXIT_MS = 200;

interface RunOptions
  extends
    ConfigOptions,
    BusOptions,
    WireOptions,
    LoggingOptions,
    DurabilityOptions,
    HttpOptions,
    TracingOptions {
  skipPreflight: boolean;
  expandRoot?: string;
  memoryLimit?: number;
  watchConfig: boolean;
}

/** `run`: runs the scheduler until a signal ends it. */
export function runCommand(setExitCode: SetExitCode): Command {
  const command = new Command("run").description("run the scheduler (the default command)");
  addConfigOption(command);
  addBusOptions(command);
  addWireOption(command);
  command.option("--skip-preflight", "start without a server and keep trying", false);
  addExpandRootOption(command);
  command.option(
    "--watch-config",
    "reload when the file, or a module that it names, changes",
    false,
  );
  command.addOption(memoryLimitOption());
  addDurabilityOptions(command);
  addHttpOptions(command);
  addLoggingOptions(command);
  addTracingOption(command);
  return command.allowExcessArguments().action(async (options: RunOptions) => {
    const [word] = command.args;
    if (word !== undefined) {
      throw new UsageError(`run takes no argument '${word}'; a command comes before its options`);
    }
    setExitCode(await run(options));
  });
}

async function run(options: RunOptions): Promise<number> {
  const log = startLogging(options);
  const { logger } = log;
  const exit = async (code: number) => {
    await unlessAborted(log.end(), AbortSignal.timeout(MAX_EXIT_MS));
    Deno.exit(code);
  };
  using _crashes = handleCrashes(logger, exit);
  using signals = new ProcessSignals((code) => void exit(code));
  // Before the scheduler runs there is nothing to be handed over.
  signals.handle({ terminate: () => void exit(EXIT.ok) });
  const replicas = replicasOf(options);
  checkControl(options);
  const { httpTokenFile } = options;
  const token = httpTokenFile === undefined ? null : await readToken(httpTokenFile);
  using _ignored = ignoreUserSignals(logger);
  const stdoutClosed = new AbortController();
  const bus = await openBus(options, {
    logger,
    waitForFirst: options.skipPreflight,
    onStdoutClosed: (error) => stdoutClosed.abort(error),
  });
  let tracing: ExportedTracing | null = null;
  try {
    if (options.tracing) tracing = await startTracing({ version: VERSION, logger });
    const scheduler = new SchedulerActor("heddle-scheduler", options.config, {
      bus,
      logger,
      expandRoot: options.expandRoot,
      memoryLimit: options.memoryLimit,
      watchConfig: options.watchConfig,
      delivery: options.delivery,
      wire: options.wire,
      replicas: replicas ?? undefined,
      clockSetAfter: earliestClock(),
      tracing,
    });
    await scheduler.load();
    await using _http = await openHttp(scheduler, options, { token, logger });
    await scheduler.run({ signal: stdoutClosed.signal, signals });
    if (stdoutClosed.signal.reason instanceof Error) throw stdoutClosed.signal.reason;
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ConfigError) return EXIT.usage; // every problem is logged
    if (error instanceof Error && error.name === "ListenError") {
      logger.error("http.listen_failed", { error: error.message });
    } else if (error instanceof BusConnectError) {
      logger.error("bus.connect_failed", {
        error: error.message,
        hint: "--nats-url names other servers, --skip-preflight starts without one, " +
          "--bus memory needs none",
      });
    } else if (error instanceof NoStreamError || error instanceof JetStreamUnavailableError) {
      logger.error("delivery.unavailable", {
        error: error.message,
        hint: "--delivery core delivers without JetStream, at most once; --replicas needs it",
      });
    } else {
      logFault(logger, error);
    }
    return EXIT.failure;
  } finally {
    await Promise.all([bus.close(AbortSignal.timeout(MAX_CLOSE_MS)), tracing?.stop()]);
    await unlessAborted(log.end(), AbortSignal.timeout(MAX_CLOSE_MS));
  }
}

/** Logs a fault of the program itself. */
function logFault(logger: Logger, error: unknown): void {
  logger.error("actor.error", {
    error: errorText(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
}

/** Has a fault that nothing catches end the process after what was logged before it. */
function handleCrashes(logger: Logger, exit: (code: number) => void): Disposable {
  const ended = new AbortController();
  const { signal } = ended;
  const crash = (event: Event, error: unknown) => {
    event.preventDefault();
    logFault(logger, error);
    exit(EXIT.failure);
  };
  addEventListener("error", (event) => crash(event, event.error), { signal });
  addEventListener("unhandledrejection", (event) => crash(event, event.reason), { signal });
  return { [Symbol.dispose]: () => ended.abort() };
}

async function openHttp(
  scheduler: SchedulerActor,
  { http, httpControl }: HttpOptions,
  { token, logger }: { token: string | null; logger: Logger },
): Promise<AsyncDisposable | null> {
  if (http === undefined) return null;
  if (token === null && !isLoopback(http)) {
    logger.warning("http.unguarded", {
      address: http.hostname,
      hint: "anybody who can reach it reads everything: --http-token-file guards it",
    });
  }
  const { HttpServer } = await import("../../http/http_server.ts"); // not loaded without --http
  const settings = { ...http, token, allowsControl: httpControl, version: VERSION };
  const server = new HttpServer({ scheduler, settings, clock: systemClock, logger });
  await server.open();
  return server;
}
