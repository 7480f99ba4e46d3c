import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import {
  type JsonObject,
  NotPermittedError,
  type PublishOptions,
} from "../../lib/bus/message_bus.ts";
import {
  type JetStream,
  JetStreamUnavailableError,
  type StreamAck,
  type StreamBus,
  type StreamInfo,
} from "../../lib/bus/stream_bus.ts";
import { Delivery, type DeliveryOptions } from "../../lib/durable/delivery.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import type { DeliveryMode } from "../../lib/wire/vocabulary.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

/** A stream as `stream create` makes it. */
export const WORK: StreamInfo = {
  name: "WORK",
  subjects: ["w"],
  replicas: 1,
  isClustered: false,
  duplicateWindow: 600,
  maxAge: 604_800,
  maxBytes: 1 << 30,
  maxMessages: -1,
  maxMessagesPerSubject: -1,
  maxMessageBytes: -1,
  isAcknowledging: true,
  isSealed: false,
  refusesWhenFull: false,
  retention: "limits",
};

/** A bus whose streams, and their answers, the test decides. */
export class ScriptedBus extends MemoryBus implements StreamBus {
  stream: string | null | Error = "WORK";
  /** What is wrong, or special, about the stream. */
  info: Partial<StreamInfo> | Error = {};
  /** What the next attempts fail with; after that they are stored. */
  readonly failures: Error[] = [];
  /** Called with the options of each attempt before it is written. */
  onAttempt: (options: PublishOptions) => Promise<void> | void = () => {};
  readonly stored: JsonObject[] = [];
  readonly core: JsonObject[] = [];
  attempts = 0;
  lookups = 0;
  #isDown = false;
  #onUp: (() => void)[] = [];

  /** Breaks the connection, or brings it back. */
  set isDown(isDown: boolean) {
    this.#isDown = isDown;
    if (!isDown) { for (const resolve of this.#onUp.splice(0)) resolve(); }
  }

  override whenConnected(signal?: AbortSignal): Promise<void> {
    if (!this.#isDown || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onUp.push(resolve);
      signal?.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  override publish(_subject: string, data: JsonObject): Promise<void> {
    this.core.push(data);
    return Promise.resolve();
  }

  async publishToStream(
    _subject: string,
    data: JsonObject,
    options: PublishOptions = {},
  ): Promise<StreamAck> {
    this.attempts++;
    await this.onAttempt(options);
    if (options.permit?.() === false) throw new NotPermittedError("Not now");
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.stored.push(data);
    return { stream: "WORK", sequence: this.stored.length, isDuplicate: false };
  }

  /** Default: the same of each subject. */
  streamOf: (subject: string) => string | null | Error = () => this.stream;

  streamsOf(subjects: readonly string[]): Promise<Map<string, string | null | Error>> {
    this.lookups++;
    if (this.stream instanceof JetStreamUnavailableError) return Promise.reject(this.stream);
    return Promise.resolve(new Map(subjects.map((subject) => [subject, this.streamOf(subject)])));
  }

  jetStream(): Promise<JetStream> {
    const stream = (name: string) => {
      if (this.info instanceof Error) return Promise.reject(this.info);
      return Promise.resolve({ ...WORK, name, ...this.info });
    };
    return Promise.resolve({ stream } as unknown as JetStream);
  }
}

export async function setUp(mode: DeliveryMode = "auto", options: Partial<DeliveryOptions> = {}) {
  const clock = new ManualClock("2026-01-01T00:00:00Z");
  const bus = new ScriptedBus({ clock });
  await bus.connect();
  const logger = new LogRecorder();
  const delivery = new Delivery({ bus, mode, clock, logger, ...options });
  return { clock, bus, logger, delivery };
}
