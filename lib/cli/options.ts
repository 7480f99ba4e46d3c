import { type Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_NATS_URL } from "../actor/actor.ts";
import { LOG_FORMATS, LOG_LEVELS, openLog } from "../log/configure.ts";
import type { LogFormat, LogLevel, ProgramLog } from "../log/configure.ts";
import { systemClock } from "../time/clock.ts";
import { type Wire, WIRES } from "../wire/vocabulary.ts";
import type { IgnoredVariable } from "./variables.ts";

export const BUSES = ["nats", "memory"] as const;

export interface ConfigOptions {
  config: string;
}

export interface BusOptions {
  bus: typeof BUSES[number];
  natsUrl: string;
  natsCreds?: string;
  natsNkey?: string;
  natsCa?: string;
  natsCert?: string;
  natsKey?: string;
  natsTlsFirst: boolean;
  natsInboxPrefix?: string;
  jsDomain?: string;
}

export interface LoggingOptions {
  logFormat?: LogFormat;
  logLevel: LogLevel;
  /** The variables whose values are not used. */
  ignored?: IgnoredVariable[];
}

export interface TracingOptions {
  tracing: boolean;
}

/** The argument of the commands that read a file without a scheduler. */
export const CONFIG_PATH = "the file, - for stdin (default: what --config says)";

/** Returns where the file of the argument `path` is read from. */
export function configSource(path: string): string | ReadableStream<Uint8Array> {
  return path === "-" ? Deno.stdin.readable : path;
}

export function addConfigOption(command: Command): Command {
  return command.addOption(
    new Option("--config <path>", "the YAML file with the schedules")
      .env("HEDDLE_SCHEDULER_CONFIG").default("schedules.yaml"),
  );
}

/** Adds `--expand-root`, where the default is the directory of the file. */
export function addExpandRootOption(command: Command): Command {
  return command.addOption(
    new Option("--expand-root <path>", "the directory of expand_from (default: that of the file)"),
  );
}

export function addBusOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--bus <kind>", "memory needs no server and prints each dispatch to stdout")
        .env("HEDDLE_SCHEDULER_BUS").choices(BUSES).default("nats"),
    )
    .addOption(
      new Option("--nats-url <urls>", "NATS servers, comma-separated")
        .env("NATS_URL").default(DEFAULT_NATS_URL),
    )
    .addOption(new Option("--nats-creds <file>", "credentials file").env("NATS_CREDS"))
    .addOption(new Option("--nats-nkey <file>", "file with an nkey seed").env("NATS_NKEY"))
    .addOption(new Option("--nats-ca <file>", "TLS: file of trusted authorities").env("NATS_CA"))
    .addOption(new Option("--nats-cert <file>", "TLS: client certificate").env("NATS_CERT"))
    .addOption(
      new Option("--nats-key <file>", "TLS: key of the client certificate").env("NATS_KEY"),
    )
    .addOption(
      new Option("--nats-tls-first [yes|no]", "TLS: from the first byte (handshake_first)")
        .env("NATS_TLS_FIRST").argParser(yesOrNo).preset(true).default(false),
    )
    .addOption(
      new Option("--nats-inbox-prefix <prefix>", "what reply subjects begin with, beside _INBOX")
        .env("NATS_INBOX_PREFIX"),
    )
    .addOption(
      new Option("--js-domain <domain>", "JetStream domain (default: the server's own)")
        .env("NATS_JS_DOMAIN"),
    );
}

export interface WireOptions {
  wire?: Wire;
}

export function addWireOption(command: Command): Command {
  return command.addOption(
    new Option("--wire <format>", "of goals and tasks (default: what the file says, else v1)")
      .env("HEDDLE_SCHEDULER_WIRE").choices(WIRES),
  );
}

/** Returns the option `--memory-limit`, of the commands that call expansion functions. */
export function memoryLimitOption(): Option {
  return new Option(
    "--memory-limit <size>",
    "what it and its expansion functions may take, such as 256Mi (default: the system's limit)",
  ).env("HEDDLE_SCHEDULER_MEMORY_LIMIT").argParser(memorySize);
}

const UNITS = ["", "k", "m", "g"];
/** What the scheduler alone takes. */
const MIN_MEMORY_LIMIT_BYTES = 64 * 2 ** 20;

function memorySize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(?:([kmg]?)i?b?)$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** UNITS.indexOf(unit?.toLowerCase() ?? "");
  if (bytes >= MIN_MEMORY_LIMIT_BYTES) return bytes;
  throw new InvalidArgumentError(
    "Expected bytes, or a number with Ki, Mi or Gi, of at least 64Mi: 268435456, 256Mi.",
  );
}

export function addLoggingOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--log-format <format>", "default: pretty on a terminal, else json")
        .env("LOG_FORMAT").choices(LOG_FORMATS).argParser(chosen(LOG_FORMATS, FORMAT_SYNONYMS)),
    )
    .addOption(
      new Option("--log-level <level>", "the lowest level to write")
        .env("LOG_LEVEL").choices(LOG_LEVELS).argParser(chosen(LOG_LEVELS, LEVEL_SYNONYMS))
        .default("info"),
    );
}

/** What other programs call the formats, and the levels. */
const FORMAT_SYNONYMS: Record<string, LogFormat> = {
  text: "pretty",
  plain: "pretty",
  console: "pretty",
  human: "pretty",
  ndjson: "json",
  jsonl: "json",
};
const LEVEL_SYNONYMS: Record<string, LogLevel> = {
  trace: "debug",
  verbose: "debug",
  notice: "info",
  information: "info",
  warn: "warning",
  err: "error",
  fatal: "error",
  critical: "error",
  crit: "error",
  alert: "error",
  emerg: "error",
  panic: "error",
};

/** Returns a parser of choices, in any case and by other names too. */
function chosen<Choice extends string>(
  choices: readonly Choice[],
  synonyms: Record<string, Choice>,
): (text: string) => Choice {
  return (text) => {
    const name = text.trim().toLowerCase();
    const choice = choices.find((each) => each === name) ??
      (Object.hasOwn(synonyms, name) ? synonyms[name] : undefined);
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
  };
}

export function addTracingOption(command: Command): Command {
  return command.addOption(
    new Option("--tracing [yes|no]", "export traces over OTLP/HTTP, as the OTEL_… variables say")
      .env("HEDDLE_SCHEDULER_TRACING").argParser(yesOrNo).preset(true).default(false),
  );
}

/** Reads a switch, which may also come from the environment. */
export function yesOrNo(text: string): boolean {
  if (/^(yes|true|on|1)$/i.test(text)) return true;
  if (/^(no|false|off|0|)$/i.test(text)) return false;
  throw new InvalidArgumentError("Expected yes or no.");
}

/** Starts logging to stderr. */
export function startLogging(
  { logFormat, logLevel, ignored = [] }: LoggingOptions,
): ProgramLog {
  const isTerminal = Deno.stderr.isTerminal();
  const log = openLog({
    format: logFormat ?? (isTerminal ? "pretty" : "json"),
    level: logLevel,
    color: isTerminal && !Deno.noColor,
    now: systemClock.now,
  });
  for (const each of ignored) log.logger.warning("environment.ignored", { ...each });
  return log;
}
