import { Command, InvalidArgumentError, Option } from "commander";
import {
  isStreamBus,
  type JetStream,
  type StreamChanges as Changes,
  StreamError,
  type StreamInfo,
  type StreamLimits,
} from "../../bus/stream_bus.ts";
import { checkPattern, covers } from "../../bus/subject.ts";
import { reservedBeginning } from "../../config/config_values.ts";
import { BUCKET, BUCKET_STREAM } from "../../durable/keys.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../../wire/subjects.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { onceConnected } from "../one_shot.ts";
import {
  addBusOptions,
  addLoggingOptions,
  type BusOptions,
  type LoggingOptions,
} from "../options.ts";
import { print, printError } from "../print.ts";

interface StreamOptions extends BusOptions, LoggingOptions {
  name: string;
  dryRun: boolean;
  subject?: readonly string[];
  copies?: number;
  duplicateWindow?: number;
  maxAge?: number;
  maxBytes?: number;
}

const DISPATCH_SUBJECTS: readonly string[] = [GOALS_SUBJECT, TASKS_SUBJECT];
const DEFAULT_COPIES = 3;
const DEFAULT_DUPLICATE_WINDOW_SECONDS = 600;
const DEFAULT_MAX_AGE_SECONDS = 7 * 86_400;
const DEFAULT_MAX_BYTES = 1 << 30;
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
/** "Replicas > 1 not supported in non-clustered mode" and "no suitable peers for placement". */
const TOO_MANY_COPIES: readonly number[] = [10074, 10005];

/** `stream create`: creates the stream that stores dispatches, or changes what is given of it. */
export function streamCommand(setExitCode: SetExitCode): Command {
  const create = new Command("create")
    .description(
      "create the stream that captures dispatches; of one that exists, change what is given",
    )
    .option("--name <name>", "the stream's name", "HEDDLE")
    .addOption(
      new Option(
        "--subject <subject>",
        `subject that it captures; may be repeated (default: ${DISPATCH_SUBJECTS.join(", ")})`,
      )
        .argParser(subjects),
    )
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
        "time in which a second message of the same id is dropped (default: 10m)",
      )
        .argParser(duration),
    )
    .addOption(
      new Option("--max-age <time>", "time for which a message is kept (default: 7d)")
        .argParser(duration),
    )
    .addOption(
      new Option(
        "--max-bytes <n>",
        "bytes that are kept; the oldest messages are dropped first (default: 1 GiB)",
      )
        .argParser(positiveInteger),
    )
    .option("--dry-run", "print what would be changed, and change nothing", false);
  addBusOptions(create);
  addLoggingOptions(create).setOptionValue("logLevel", "warning");
  create.action(async (options: StreamOptions) => setExitCode(await createStream(options)));
  return new Command("stream").description("the JetStream stream that stores dispatches")
    .addCommand(create);
}

async function createStream(options: StreamOptions): Promise<number> {
  const { name, subject = DISPATCH_SUBJECTS } = options;
  return await onceConnected(options, async (bus) => {
    if (!isStreamBus(bus)) {
      printError("Cannot create a stream with --bus memory: only a NATS server keeps messages");
      return EXIT.usage;
    }
    const jetStream = await bus.jetStream();
    const known = await jetStream.stream(name);
    const added = subject.filter((each) => !known?.subjects.some((other) => covers(other, each)));
    await refuseOverlap(jetStream, name, added);
    if (known === null) await create(jetStream, options, added);
    else await change(jetStream, options, known, added);
    return EXIT.ok;
  });
}

/** @throws {Error} when another stream captures one of the subjects */
async function refuseOverlap(
  jetStream: JetStream,
  name: string,
  subjects: readonly string[],
): Promise<void> {
  for (const subject of subjects) {
    const other = (await jetStream.streamNames(subject)).find((each) => each !== name);
    if (other === undefined) continue;
    const theirs = (await jetStream.stream(other))?.subjects ?? [];
    throw new Error(
      `Cannot capture "${subject}" with the stream "${name}": the stream "${other}" captures ` +
        `${quoted(theirs)} already; use that one (--name ${other}), ` +
        "choose other subjects (--subject), or take the subject from it",
    );
  }
}

async function create(
  jetStream: JetStream,
  options: StreamOptions,
  subjects: readonly string[],
): Promise<void> {
  const { name, copies, maxAge = DEFAULT_MAX_AGE_SECONDS, dryRun } = options;
  const limits = {
    name,
    subjects,
    replicas: copies ?? DEFAULT_COPIES,
    // The server takes none that is longer than a message is kept.
    duplicateWindow: options.duplicateWindow ?? Math.min(DEFAULT_DUPLICATE_WINDOW_SECONDS, maxAge),
    maxAge,
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
  };
  if (dryRun) {
    const orOne = copies === undefined ? " (without a cluster: 1)" : "";
    print(`Would create stream "${name}": ${summary(limits, orOne)}`);
    return;
  }
  const created = await createWith(jetStream, limits, copies === undefined);
  print(`Created stream "${name}": ${summary(created)}`);
  await followCopies(jetStream, created, options);
}

/** Creates the stream; with one copy where there cannot be more and nobody asked for more. */
async function createWith(
  jetStream: JetStream,
  limits: StreamLimits,
  isOneEnough: boolean,
): Promise<StreamInfo> {
  try {
    return await jetStream.createStream(limits);
  } catch (error) {
    const isAlone = error instanceof StreamError && TOO_MANY_COPIES.includes(error.code);
    if (!isAlone || !isOneEnough) throw error;
    return await jetStream.createStream({ ...limits, replicas: 1 });
  }
}

async function change(
  jetStream: JetStream,
  options: StreamOptions,
  known: StreamInfo,
  added: readonly string[],
): Promise<void> {
  const { copies: replicas, duplicateWindow, maxAge, maxBytes, dryRun } = options;
  // A stream may not have two subjects that overlap.
  const kept = known.subjects.filter((each) => !added.some((other) => covers(other, each)));
  const wanted = { replicas, duplicateWindow, maxAge, maxBytes, subjects: [...kept, ...added] };
  const changes = changesOf(known, wanted);
  const title = `stream "${known.name}"`;
  if (Object.keys(changes).length === 0) {
    print(`The ${title} stays as it is: ${summary(known)}`);
  } else if (!dryRun) {
    await jetStream.updateStream(known.name, changes);
  }
  printChanges(title, known, changes, dryRun);
  if (known.replicas > 1 && !known.isClustered && replicas === undefined) {
    printError(
      `The ${title} says ${known.replicas} copies, and its server is in no cluster: the server ` +
        "loses the stream when it starts again; correct it with --copies 1",
    );
  }
  await followCopies(jetStream, { ...known, ...changes }, options);
}

/** Gives the bucket as many copies as the stream has; fewer than it has only if they are asked for. */
async function followCopies(
  jetStream: JetStream,
  { replicas, isClustered }: StreamInfo,
  { copies, dryRun }: StreamOptions,
): Promise<void> {
  const wanted = isClustered ? replicas : 1;
  const known = await jetStream.stream(BUCKET_STREAM);
  if (known === null) {
    if (dryRun) return;
    await jetStream.keyValue(BUCKET, { replicas: wanted }).get("lease"); // opening it creates it
  } else if (known.replicas < wanted || (copies !== undefined && known.replicas > wanted)) {
    if (!dryRun) await jetStream.updateStream(BUCKET_STREAM, { replicas: wanted });
    printChanges(`bucket "${BUCKET}"`, known, { replicas: wanted }, dryRun);
  }
}

/** Returns what is given and differs. */
function changesOf(known: StreamInfo, wanted: Changes): Changes {
  const differs = ([key, value]: [string, unknown]) =>
    value !== undefined && String(value) !== String(known[key as keyof Changes]);
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

const LABELS: Readonly<Record<keyof Changes, string>> = {
  subjects: "subjects",
  replicas: "copies",
  duplicateWindow: "duplicate window",
  maxAge: "max age",
  maxBytes: "max bytes",
};

/** Prints each change as old → new. */
function printChanges(title: string, known: StreamInfo, changes: Changes, dryRun: boolean): void {
  const keys = Object.keys(changes) as (keyof Changes)[];
  if (keys.length === 0) return;
  print(`${dryRun ? "Would change" : "Changed"} ${title}:`);
  for (const key of keys) {
    print(`  ${LABELS[key]}: ${shown(key, known[key])} → ${shown(key, changes[key])}`);
  }
}

function shown(key: keyof Changes, value: Changes[keyof Changes]): string {
  if (typeof value === "object") return value.join(", ");
  const hasNoLimit = (key === "maxAge" && value === 0) || (key === "maxBytes" && value === -1);
  if (hasNoLimit) return "no limit";
  return key === "maxAge" || key === "duplicateWindow" ? `${value} s` : `${value}`;
}

function summary({ subjects, replicas, duplicateWindow }: StreamLimits, orOne = ""): string {
  const copies = replicas === 1 ? "1 copy" : `${replicas} copies`;
  return `captures ${subjects.join(", ")}; ${copies}${orOne}, ` +
    `drops duplicates for ${duplicateWindow} s`;
}

function quoted(texts: readonly string[]): string {
  return texts.map((text) => `"${text}"`).join(", ");
}

function subjects(text: string, before: readonly string[] = []): readonly string[] {
  try {
    checkPattern(text);
  } catch {
    throw new InvalidArgumentError('Expected words joined by dots; "*" and a final ">" match any.');
  }
  const reserved = reservedBeginning(text);
  if (reserved !== null) {
    throw new InvalidArgumentError(`Subjects that begin with "${reserved}" are reserved.`);
  }
  return [...before, text];
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
