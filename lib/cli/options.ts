import { type Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_NATS_URL } from "../actor/actor.ts";
import { LOG_FORMATS, LOG_LEVELS, openLog } from "../log/configure.ts";
import type { LogFormat, LogLevel, ProgramLog } from "../log/configure.ts";
import { systemClock } from "../time/clock.ts";

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
  logFormat: LogFormat;
  logLevel: LogLevel;
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

export function addLoggingOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--log-format <format>", "default: pretty on a terminal, else json")
        .env("LOG_FORMAT").choices(LOG_FORMATS),
    )
    .addOption(
      new Option("--log-level <level>", "the lowest level to write")
        .env("LOG_LEVEL").choices(LOG_LEVELS).default("info"),
    );
}

/** Reads a switch, which may also come from the environment. */
export function yesOrNo(text: string): boolean {
  if (/^(yes|true|on|1)$/i.test(text)) return true;
  if (/^(no|false|off|0|)$/i.test(text)) return false;
  throw new InvalidArgumentError("Expected yes or no.");
}

/** Starts logging to stderr. */
export function startLogging({ logFormat, logLevel }: LoggingOptions): ProgramLog {
  const isTerminal = Deno.stderr.isTerminal();
  return openLog({
    format: logFormat ?? (isTerminal ? "pretty" : "json"),
    level: logLevel,
    color: isTerminal && !Deno.noColor,
    now: systemClock.now,
  });
}
