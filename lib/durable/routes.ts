/**
 * Finds the route of the dispatches to each subject: into a stream, or over core NATS.
 *
 * @module
 */
import { backoff } from "../bus/backoff.ts";
import { BusClosedError, type MessageBus } from "../bus/message_bus.ts";
import {
  isStreamBus,
  JetStreamUnavailableError,
  LookupRefusedError,
  NoStreamError,
  type StreamInfo,
} from "../bus/stream_bus.ts";
import { streamFaults } from "../bus/stream_faults.ts";
import { errorText } from "../internal/error_text.ts";
import type { Logger } from "../log/logger.ts";
import type { Clock } from "../time/clock.ts";
import { GOALS_SUBJECT, TASKS_SUBJECT } from "../wire/subjects.ts";
import type { DeliveryMode, DeliveryWay } from "../wire/vocabulary.ts";

/** The route of one subject. */
export interface Route {
  readonly subject: string;
  readonly via: DeliveryWay;
  /** The stream; with `fallback` the former one. Null if there is none, or its name is not known. */
  readonly stream: string | null;
  /** The instant since which this is so, in milliseconds since the epoch. */
  readonly since: number;
  /** With `unknown`: the reason. */
  readonly error: string | null;
}

export interface RoutesOptions {
  bus: MessageBus;
  mode: DeliveryMode;
  clock: Clock;
  logger: Logger;
  /** The time for which a message may be sent again, in seconds: what a stream is judged by. */
  neededWindow: number;
}

/** The subjects of which each is named in the log; of more the first stands for all. */
const MAX_NAMED_SUBJECTS = 8;
/** Thousands of messages that no stream takes are tried again at different instants. */
const MIN_ASK_INTERVAL_MS = 500;
/** The longest wait before the server is asked again for what no stream captures. */
const MAX_ASK_MS = 10_000;
/** As a server has it for a stream that says nothing: for one that cannot be read. */
const DEFAULT_WINDOW_MS = 120_000;

export class Routes {
  readonly #options: RoutesOptions;
  readonly #routes = new Map<string, Route>();
  /** The streams that could be read, by name. */
  readonly #streams = new Map<string, StreamInfo>();
  /** The last log line about each subject or stream, so that a repetition is logged at debug. */
  readonly #said = new Map<string, string>();
  #lookingAgain: Promise<void> | null = null;
  #lookedAgainAt = -Infinity;
  #onUncaptured = () => {};

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  get all(): readonly Route[] {
    return [...this.#routes.values()];
  }

  /** The names of the streams that take dispatches. */
  get streams(): string[] {
    const found = this.all.filter(({ via }) => via === "jetstream" || via === "core");
    return [...new Set(found.flatMap(({ stream }) => stream ?? []))];
  }

  /** Returns the route of `subject`. */
  viaOf(subject: string): DeliveryWay {
    const { mode, bus } = this.#options;
    if (mode === "jetstream" && isStreamBus(bus)) return "jetstream";
    if (mode === "core" || !isStreamBus(bus)) return "core";
    return this.#routes.get(subject)?.via ?? "unknown";
  }

  /** Returns the stream that captures `subject`; undefined if it is not known or was not read. */
  streamOf(subject: string): StreamInfo | undefined {
    return this.#streams.get(this.#routes.get(subject)?.stream ?? "");
  }

  /** The time in which the stream drops a second message of the same id, in milliseconds. */
  windowOf(subject: string): number {
    const stream = this.streamOf(subject);
    return stream === undefined ? DEFAULT_WINDOW_MS : stream.duplicateWindow * 1000;
  }

  /**
   * Asks for the streams that capture the subjects, and reads them, until the server has answered
   * for each or `signal` aborts. Where something is known of a subject, silence does not change it.
   *
   * @throws {NoStreamError} in the mode `jetstream`, when a subject has none that acknowledges
   * @throws {JetStreamUnavailableError} in the mode `jetstream`, when the server has no JetStream
   */
  async look(subjects: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const { bus, mode, clock } = this.#options;
    let open = [...new Set(subjects)];
    for (const subject of open) if (!this.#routes.has(subject)) this.#add(subject);
    if (mode === "core" || (mode === "auto" && !isStreamBus(bus))) return;
    for (let failures = 0; open.length > 0; failures++) {
      if (failures > 0) await clock.sleep(backoff(failures) / 4, signal);
      if (isStreamBus(bus)) await bus.whenConnected(signal);
      if (signal?.aborted) return;
      open = await this.#ask(open, true);
    }
  }

  /** Forgets the other subjects. */
  keep(subjects: readonly string[]): void {
    const kept = new Set(subjects);
    for (const subject of this.#routes.keys()) {
      if (kept.has(subject)) continue;
      this.#routes.delete(subject);
      this.#said.delete(subject);
    }
  }

  /**
   * Asks again for all subjects. Calls at the same time, or soon after, share one request. Never
   * rejects.
   *
   * @param subject one that something is still sent to, though it may have been forgotten
   */
  lookAgain(subject?: string): Promise<void> {
    const { clock } = this.#options;
    if (subject !== undefined && !this.#routes.has(subject)) this.#add(subject);
    const isRecent = clock.monotonic() - this.#lookedAgainAt < MIN_ASK_INTERVAL_MS;
    if (this.#lookingAgain === null && isRecent) return Promise.resolve();
    this.#lookingAgain ??= this.#ask([...this.#routes.keys()], false)
      .catch(() => {})
      .then(() => {
        this.#lookingAgain = null;
        this.#lookedAgainAt = clock.monotonic();
      });
    return this.#lookingAgain;
  }

  /**
   * In the mode `auto`, asks again and again for what no stream captures, until `signal` aborts.
   *
   * @param onFound called each time that a stream was found
   */
  async follow(signal: AbortSignal, onFound: () => void): Promise<void> {
    const { bus, mode, clock } = this.#options;
    if (mode !== "auto" || !isStreamBus(bus)) return;
    let asked = 0;
    while (!signal.aborted) {
      const before = this.streams.length;
      if (this.all.every(({ via }) => via === "jetstream")) {
        await this.#uncaptured(signal);
        asked = 0;
      }
      await clock.sleep(Math.min(backoff(asked++), MAX_ASK_MS), signal);
      await bus.whenConnected(signal);
      if (signal.aborted) return;
      await this.lookAgain();
      if (this.streams.length > before) onFound();
    }
  }

  /** Resolves when a subject has no stream any more, or on abort. */
  #uncaptured(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onUncaptured = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  #add(subject: string): void {
    const via = this.viaOf(subject);
    this.#set({ subject, via: via === "core" ? via : "unknown", stream: null });
  }

  #set(
    { error = null, ...route }: Omit<Route, "since" | "error"> & { error?: string | null },
  ): void {
    const { subject, via } = route;
    const known = this.#routes.get(subject);
    const since = known?.via === via ? known.since : this.#options.clock.now();
    this.#routes.set(subject, { ...route, error, since });
    if (via !== "jetstream") this.#onUncaptured();
  }

  /**
   * Asks for subjects.
   *
   * @param isFirst whether to wait until the streams are read, also where they are known
   * @returns those of which nothing is known yet
   */
  async #ask(subjects: readonly string[], isFirst: boolean): Promise<string[]> {
    const { bus, mode } = this.#options;
    let found: ReadonlyMap<string, string | null | Error> = new Map();
    try {
      if (isStreamBus(bus)) found = await bus.streamsOf(subjects);
    } catch (error) {
      if (error instanceof BusClosedError) throw error;
      found = new Map(subjects.map((subject) => [subject, error as Error]));
    }
    const isNew = ([subject, name]: [string, string | null | Error]) =>
      typeof name === "string" && (isFirst || name !== this.#routes.get(subject)?.stream);
    const names = new Set([...found.values()].filter((name) => typeof name === "string"));
    const awaited = new Set([...found].filter(isNew).map(([, name]) => name));
    const reading = [...names].map((name) => [name, this.#read(name)] as const);
    await Promise.all(reading.map(([name, read]) => awaited.has(name) ? read : null));

    const told: Told = new Map();
    const uncaptured: string[] = [];
    const open = subjects.filter((subject) => {
      const known = this.#routes.get(subject);
      if (known === undefined) return false; // forgotten meanwhile
      let name = found.get(subject) ?? null;
      if (name instanceof Error) {
        const isNo = name instanceof JetStreamUnavailableError && known.via !== "jetstream";
        if (!isNo) return !this.#unanswered(known, name, told);
        if (mode === "jetstream") throw name;
        name = null;
      }
      if (name !== null) this.#captured(known, name, told);
      else if (mode === "jetstream") uncaptured.push(subject);
      else this.#uncapturedBy(known, told);
      return false;
    });
    this.#log(told);
    if (uncaptured.length > 0) throw noStream(uncaptured);
    return open;
  }

  #log(told: Told): void {
    for (const { level, event, subjects, fields } of told.values()) {
      const isMany = subjects.length > MAX_NAMED_SUBJECTS;
      for (const subject of isMany ? subjects.slice(0, 1) : subjects) {
        const others = isMany ? { other_subjects: subjects.length - 1 } : {};
        this.#options.logger[level](event, { subject, ...others, ...fields });
      }
    }
  }

  #captured({ subject, ...known }: Route, name: string, told: Told): void {
    const { mode } = this.#options;
    const stream = this.#streams.get(name);
    const isUseless = stream?.isAcknowledging === false || stream?.isSealed;
    if (mode === "jetstream" && isUseless) {
      const why = stream.isSealed ? "is sealed" : "acknowledges nothing (no_ack)";
      throw new NoStreamError(
        `${UNDELIVERABLE}: the stream "${name}" of "${subject}" ${why}; create another one with: ${CREATE}`,
      );
    }
    // The stream stores the message, but sends no acknowledgement to wait for.
    const via = stream?.isAcknowledging === false ? "core" : "jetstream";
    this.#set({ subject, via, stream: name });
    this.#said.delete(subject);
    if (known.via === via && known.stream === name) return;
    tell(told, "info", "delivery.chosen", subject, { delivery: via, stream: name });
  }

  #uncapturedBy({ subject, via, stream }: Route, told: Told): void {
    this.#said.delete(subject);
    if (via !== "jetstream" && via !== "fallback") {
      this.#set({ subject, via: "core", stream: null });
      if (via !== "core") {
        tell(told, "info", "delivery.chosen", subject, { delivery: "core", stream: null });
      }
      return;
    }
    this.#set({ subject, via: "fallback", stream });
    if (via === "fallback") return;
    tell(told, "warning", "delivery.fell_back", subject, {
      stream,
      hint: "no stream captures it any more: dispatches go over core NATS, at most once, until " +
        "one does; --delivery jetstream keeps them for it",
    });
  }

  /**
   * Notes that the server did not answer: what was known remains.
   *
   * @returns whether anything is known
   */
  #unanswered({ subject, ...known }: Route, error: Error, told: Told): boolean {
    const { mode } = this.#options;
    const { via } = known;
    const isRefused = error instanceof LookupRefusedError;
    const text = errorText(error);
    const isError = via === "unknown" && isRefused && mode === "auto";
    const isSaid = this.#said.get(subject) === text;
    this.#said.set(subject, text);
    tell(
      told,
      isSaid ? "debug" : isError ? "error" : "warning",
      "delivery.lookup_failed",
      subject,
      {
        error: text,
        ...(isError && {
          hint: "nothing is dispatched until it may ask; --delivery core needs no permission for " +
            "JetStream",
        }),
      },
    );
    if (isRefused && mode === "jetstream") {
      // The acknowledgement of the next message names the stream.
      this.#set({ subject, via: "jetstream", stream: known.stream });
      return true;
    }
    if (via === "unknown") this.#set({ ...known, subject, error: text });
    return via !== "unknown";
  }

  /** Reads a stream, and reports what is wrong with it. */
  async #read(name: string): Promise<StreamInfo | undefined> {
    const { bus, logger, neededWindow } = this.#options;
    if (!isStreamBus(bus)) return undefined;
    try {
      const stream = await (await bus.jetStream()).stream(name);
      if (stream === null) return undefined;
      this.#streams.set(name, stream);
      const faults = streamFaults(stream, neededWindow);
      const text = JSON.stringify(faults);
      const isNew = this.#said.get(`stream ${name}`) !== text;
      this.#said.set(`stream ${name}`, text);
      if (!isNew) return stream;
      for (const fault of faults) {
        logger.warning("delivery.unsafe_stream", { stream: name, ...fault });
      }
      return stream;
    } catch (error) {
      const about = `read ${name}`;
      const text = errorText(error);
      const level = this.#said.get(about) === text ? "debug" : "warning";
      this.#said.set(about, text);
      logger[level]("delivery.stream_unread", {
        stream: name,
        error: text,
        hint: `its duplicate window is taken for ${DEFAULT_WINDOW_MS / 1000} s`,
      });
      return this.#streams.get(name);
    }
  }
}

/** The lines of one look, each for all subjects that it is about. */
type Told = Map<string, {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly event: string;
  readonly fields: Record<string, unknown>;
  readonly subjects: string[];
}>;

function tell(
  told: Told,
  level: "debug" | "info" | "warning" | "error",
  event: string,
  subject: string,
  fields: Record<string, unknown>,
): void {
  const key = JSON.stringify([level, event, fields]);
  const line = told.get(key);
  if (line === undefined) told.set(key, { level, event, fields, subjects: [subject] });
  else line.subjects.push(subject);
}

const UNDELIVERABLE = "Cannot deliver with --delivery jetstream";
const CREATE = "heddle-scheduler stream create";

function noStream(subjects: readonly string[]): NoStreamError {
  const named = subjects.map((subject) => `"${subject}"`).join(", ");
  const ours = [GOALS_SUBJECT, TASKS_SUBJECT];
  const options = subjects.every((subject) => ours.includes(subject))
    ? ""
    : subjects.map((subject) => ` --subject ${subject}`).join("");
  return new NoStreamError(
    `${UNDELIVERABLE}: no stream captures ${named}; create one with: ${CREATE}${options}`,
  );
}
