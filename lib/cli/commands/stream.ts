import { Command, InvalidArgumentError, Option } from "commander";
import { isStreamBus, type JetStream, StreamError, type StreamInfo } from "../../bus/stream_bus.ts";
import { BUCKET } from "../../durable/keys.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../../wire/subjects.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { onceConnected } from "../one_shot.ts";
import {
  addBusOptions,
  addLoggingOptions,
  type BusOptions,
  type LoggingOptions,
} from "../options.ts";

interface StreamOptions extends BusOptions, LoggingOptions {
  name: string;
  copies?: number;
  duplicateWindow: number;
  maxAge: number;
  maxBytes: number;
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** "Replicas > 1 not supported in non-clustered mode" and "no suitable peers for placement". */
const TOO_MANY_COPIES: readonly number[] = [10074, 10005];

/** `stream create`: creates the stream that stores dispatches. */
export function streamCommand(setExitCode: SetExitCode): Command {
  const create = new Command("create")
    .description("create the stream that captures dispatches, or change its limits")
    .option("--name <name>", "the stream's name", "HEDDLE")
    .addOption(
      new Option(
        "--copies <n>",
        "number of servers of a cluster that store it (default: 3, without a cluster: 1)",
      )
        .argParser(positiveInteger),
    )
    .addOption(
      new Option(
        "--duplicate-window <time>",
        "time in which a second message of the same id is dropped",
      )
        .argParser(duration).default(600, "10m"),
    )
    .addOption(
      new Option("--max-age <time>", "time for which a message is kept")
        .argParser(duration).default(7 * 86_400, "7d"),
    )
    .addOption(
      new Option("--max-bytes <n>", "bytes that are kept; the oldest messages are dropped first")
        .argParser(positiveInteger).default(1 << 30, "1 GiB"),
    );
  addBusOptions(create);
  addLoggingOptions(create).setOptionValue("logLevel", "warning");
  create.action(async (options: StreamOptions) => setExitCode(await createStream(options)));
  return new Command("stream").description("the JetStream stream that stores dispatches")
    .addCommand(create);
}

async function createStream(options: StreamOptions): Promise<number> {
  return await onceConnected(options, async (bus) => {
    if (!isStreamBus(bus)) {
      console.error("Cannot create a stream with --bus memory: only a NATS server keeps messages");
      return EXIT.usage;
    }
    const jetStream = await bus.jetStream();
    const { name, subjects, replicas, duplicateWindow, isNew } = await create(jetStream, options);
    await jetStream.keyValue(BUCKET, { replicas }).get("lease"); // opening it creates it
    console.log(
      `${isNew ? "Created" : "Changed"} stream "${name}": captures ${subjects.join(", ")}; ` +
        `${replicas === 1 ? "1 copy" : `${replicas} copies`}, ` +
        `drops duplicates for ${duplicateWindow} s`,
    );
    return EXIT.ok;
  });
}

async function create(jetStream: JetStream, options: StreamOptions): Promise<StreamInfo> {
  const { copies, ...limits } = options;
  const subjects = [GOALS_SUBJECT, TASKS_SUBJECT];
  const known = await jetStream.stream(options.name);
  const replicas = copies ?? known?.replicas ?? 3;
  try {
    return await jetStream.createStream({ ...limits, subjects, replicas });
  } catch (error) {
    const isAlone = error instanceof StreamError && TOO_MANY_COPIES.includes(error.code);
    if (!isAlone || copies !== undefined) throw error;
    return await jetStream.createStream({ ...limits, subjects, replicas: 1 });
  }
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("Expected a whole number above 0.");
}

/** Parses a time, and returns it in seconds. */
function duration(text: string): number {
  const [, digits, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const value = Number(digits) * (UNITS[unit ?? ""] ?? NaN);
  if (value > 0) return value;
  throw new InvalidArgumentError("Expected a time such as 90s, 10m, 12h or 7d.");
}
