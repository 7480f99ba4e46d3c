import { type Command, InvalidArgumentError, Option } from "commander";
import { DELIVERY_MODES, type DeliveryMode } from "../wire/vocabulary.ts";
import { PARTITIONS } from "../durable/shards.ts";
import type { ReplicaOptions } from "../engine/firing_engine.ts";
import { UsageError } from "./exit_codes.ts";
import { type BusOptions, yesOrNo } from "./options.ts";

/** The options that need JetStream. */
export interface DurabilityOptions {
  delivery: DeliveryMode;
  replicas: boolean;
  replicaName?: string;
  /** In seconds. */
  leaseTtl?: number;
  shards?: number;
}

const DEFAULT_LEASE_TTL_SECONDS = 10;
const MIN_LEASE_TTL_SECONDS = 1;
const MAX_LEASE_TTL_SECONDS = 3600;

export function addDurabilityOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--delivery <mode>",
        "auto: into a JetStream stream where one captures the subject",
      )
        .env("HEDDLE_SCHEDULER_DELIVERY").choices(DELIVERY_MODES).default("auto"),
    )
    .addOption(
      new Option("--replicas [yes|no]", "share the schedules with other replicas; needs JetStream")
        .env("HEDDLE_SCHEDULER_REPLICAS").argParser(yesOrNo).preset(true).default(false),
    )
    .addOption(
      new Option("--replica-name <name>", "name of this replica in the log and the lease")
        .env("HEDDLE_SCHEDULER_REPLICA_NAME"),
    )
    .addOption(
      new Option(
        "--lease-ttl <seconds>",
        `time after which a silent replica is replaced (default: ${DEFAULT_LEASE_TTL_SECONDS})`,
      )
        .env("HEDDLE_SCHEDULER_LEASE_TTL").argParser(leaseTtl),
    )
    .addOption(
      new Option("--shards <n>", "number of leases that the entries are spread over (default: 1)")
        .env("HEDDLE_SCHEDULER_SHARDS").argParser(shards),
    );
}

/**
 * Returns the options of a replica; null where the schedules are not shared.
 *
 * @throws {UsageError} when the options contradict each other
 */
export function replicasOf(options: DurabilityOptions & BusOptions): ReplicaOptions | null {
  const { delivery, replicas, replicaName, bus } = options;
  if (bus === "memory" && (replicas || delivery === "jetstream")) {
    const what = replicas ? "--replicas" : "--delivery jetstream";
    throw new UsageError(`${what} needs a NATS server with JetStream, not --bus memory`);
  }
  if (!replicas) {
    const given = (["leaseTtl", "shards", "replicaName"] as const)
      .find((name) => options[name] !== undefined);
    if (given === undefined) return null;
    const option = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UsageError(`--${option} is for replicas: give --replicas as well`);
  }
  return {
    // The same name after a restart would be taken for the process that held the lease before.
    name: `${replicaName ?? "replica"}-${crypto.randomUUID().slice(0, 8)}`,
    leaseTtl: (options.leaseTtl ?? DEFAULT_LEASE_TTL_SECONDS) * 1000,
    shards: options.shards ?? 1,
  };
}

function leaseTtl(text: string): number {
  const value = Number(text);
  if (value >= MIN_LEASE_TTL_SECONDS && value <= MAX_LEASE_TTL_SECONDS) return value;
  throw new InvalidArgumentError(
    `Expected seconds from ${MIN_LEASE_TTL_SECONDS} to ${MAX_LEASE_TTL_SECONDS}.`,
  );
}

function shards(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= PARTITIONS) return value;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${PARTITIONS}.`);
}
