import { type Command, Option } from "commander";
import { DEFAULT_NATS_URL } from "../actor/actor.ts";
import { configureLogging, LOG_FORMATS, LOG_LEVELS } from "../log/configure.ts";
import type { LogFormat, LogLevel } from "../log/configure.ts";

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
}

export interface LoggingOptions {
  logFormat: LogFormat;
  logLevel: LogLevel;
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

/**
 * Starts logging to stderr.
 *
 * @returns a function that ends it, and resolves when every line has been written
 */
export function startLogging(
  { logFormat, logLevel }: LoggingOptions,
): Promise<() => Promise<void>> {
  const isTerminal = Deno.stderr.isTerminal();
  return configureLogging({
    format: logFormat ?? (isTerminal ? "pretty" : "json"),
    level: logLevel,
    color: isTerminal && !Deno.noColor,
  });
}
