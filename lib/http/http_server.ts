/**
 * The scheduler's side of its HTTP server, which runs in a thread of its own: tells it what happens,
 * and does what it asks for.
 *
 * @module
 */
import type { Logger } from "../log/logger.ts";
import type { Quarters } from "../engine/history.ts";
import type { Job } from "../engine/job.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import type { ScheduleEntry } from "../config/schedule_entry.ts";
import type { SchedulerActor } from "../scheduler/scheduler_actor.ts";
import { workerEntry } from "../internal/worker_entry.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import type {
  EntryFirings,
  EntryRow,
  EntryView,
  FromServer,
  SchedulerState,
  ServerSettings,
  ToServer,
} from "./protocol.ts";

export interface HttpServerOptions {
  scheduler: SchedulerActor;
  settings: ServerSettings;
  clock: Clock;
  logger: Logger;
}

/** How often it is told what happened, in milliseconds. */
const PERIOD = 250;
/** How often it is told anew when everything fires next, in milliseconds: clocks are set. */
const NEXTS_PERIOD = 10_000;
/** Entries in one message. */
const LOT = 500;
const MAX_ERROR_CHARACTERS = 200;
/** Before a thread that ended is started again, in milliseconds. */
const RESTART = 1000;
/** For a thread that is to end, in milliseconds. */
const CLOSE_TIMEOUT = 500;

/** An address that cannot be listened on. */
export class ListenError extends Error {
  override name = "ListenError";
}

export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #closing = new AbortController();
  #worker: Worker | null = null;
  /** Where it listens; 0 before it does. */
  #port = 0;
  #forget = () => {};
  #told: Promise<void> = Promise.resolve();
  /** Those that have fired since it was told of them. */
  #changed = new Set<Job>();
  /** What it was told last of the quarters of each job. */
  #quarters = new WeakMap<Job, Quarters>();
  #config: SchedulerConfig | null = null;
  /** Called when the thread has taken in the rows. */
  #taken: (() => void) | null = null;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /**
   * Listens; resolves with the port.
   *
   * @throws {ListenError} when that is not possible
   */
  async open(): Promise<number> {
    const { scheduler, settings, logger } = this.#options;
    this.#forget = scheduler.history.listen((_, job) => this.#changed.add(job));
    const port = await this.#start(settings.port);
    const { hostname, allowsControl } = settings;
    logger.info("http.listening", {
      url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`,
      token: settings.token !== null,
      control: allowsControl,
    });
    return port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#forget();
    this.#post({ type: "close" });
    const { clock } = this.#options;
    await Promise.race([this.#told, clock.sleep(CLOSE_TIMEOUT)]);
    this.#worker?.terminate();
  }

  #start(port: number): Promise<number> {
    const { settings } = this.#options;
    const worker = new Worker(workerEntry("http_worker", import.meta.url), {
      type: "module",
      name: "http",
    });
    this.#worker = worker;
    this.#config = null; // it knows nothing yet
    const opened = Promise.withResolvers<number>();
    const ended = new AbortController();
    const fail = (reason: string) => {
      opened.reject(listenError(settings, reason));
      ended.abort();
      void this.#restart(worker, reason);
    };
    worker.onmessage = ({ data }: MessageEvent<FromServer>) => {
      if (data.type === "listening") opened.resolve(this.#port = data.port);
      else if (data.type === "failed") fail(data.error);
      else this.#hear(worker, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message);
    };
    this.#post({ type: "listen", settings: { ...settings, port } });
    const signal = AbortSignal.any([this.#closing.signal, ended.signal]);
    this.#told = this.#tell(signal).catch((error) => fail(String(error)));
    return opened.promise;
  }

  /** A fault of the server costs the schedules nothing, and itself a second, as often as it takes. */
  async #restart(failed: Worker, error: string): Promise<void> {
    const hasListened = this.#port !== 0;
    if (!hasListened || this.#worker !== failed || this.#closing.signal.aborted) return;
    const { clock, logger } = this.#options;
    logger.error("http.failed", { error, hint: "the HTTP server is started again" });
    failed.terminate();
    this.#worker = null;
    await clock.sleep(RESTART, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    await this.#start(this.#port).catch(() => {}); // it is said, and tried again
  }

  #post(message: ToServer, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #hear(worker: Worker, message: FromServer): void {
    if (worker !== this.#worker) return;
    switch (message.type) {
      case "taken":
        this.#taken?.();
        break;
      case "isAlive":
        this.#post({ type: "alive" });
        break;
      case "ask":
        void this.#options.scheduler.control.answer({ ...message.request }).then((reply) => {
          if (worker === this.#worker) this.#post({ type: "answer", id: message.id, reply });
        });
    }
  }

  /** Tells the thread what happens, not faster than it takes that in. */
  async #tell(signal: AbortSignal): Promise<void> {
    const { clock, scheduler } = this.#options;
    /** What, when it changes, changes when the entries fire next. */
    let told = "";
    let nextsAt = -Infinity;
    while (!signal.aborted) {
      if (scheduler.config !== this.#config) {
        const config = scheduler.config!;
        await this.#tellEntries(config.entries);
        this.#config = config;
        nextsAt = -Infinity;
      }
      const state = this.#state();
      // Each time, so that the thread knows how old it is.
      this.#post({ type: "state", state });
      const current = JSON.stringify([state.runningSince, state.replica?.held]);
      if (clock.monotonic() - nextsAt > NEXTS_PERIOD || current !== told) {
        await this.#tellNexts();
        nextsAt = clock.monotonic();
        told = current;
      }
      await this.#tellRows(signal);
      await clock.sleep(PERIOD, signal);
    }
  }

  async #tellEntries(entries: readonly ScheduleEntry[]): Promise<void> {
    const { scheduler, clock } = this.#options;
    const slice = new Slice(clock);
    this.#quarters = new WeakMap();
    for (let from = 0; from === 0 || from < entries.length; from += LOT) {
      this.#post({
        type: "entries",
        isFirst: from === 0,
        isLast: from + LOT >= entries.length,
        entries: entries.slice(from, from + LOT).map((entry) => {
          const job = scheduler.engine?.job(entry.name);
          const none = { name: entry.name, next: Infinity, firings: null };
          return { view: viewOf(entry), row: job === undefined ? none : this.#rowOf(job) };
        }),
      });
      if (slice.isOver()) await slice.pause();
    }
    this.#post({ type: "totals", totals: scheduler.history.totals });
  }

  /** Tells of the jobs that have fired, one lot after the other. */
  async #tellRows(signal: AbortSignal): Promise<void> {
    const changed = this.#changed;
    if (changed.size === 0) return;
    this.#changed = new Set();
    for (let rows: EntryRow[] = []; changed.size > 0 && !signal.aborted; rows = []) {
      for (const job of changed) {
        changed.delete(job);
        if (rows.push(this.#rowOf(job)) === LOT) break;
      }
      const taken = Promise.withResolvers<void>();
      const giveUp = () => taken.resolve();
      this.#taken = giveUp;
      signal.addEventListener("abort", giveUp, { once: true });
      this.#post({ type: "rows", rows });
      await taken.promise;
      signal.removeEventListener("abort", giveUp);
    }
    this.#post({ type: "totals", totals: this.#options.scheduler.history.totals });
  }

  #rowOf(job: Job): EntryRow {
    const { name, nextDue: next, history } = job;
    if (history === null) return { name, next, firings: null };
    const { last, lastDispatched, counts, dispatches, quarters } = history;
    const { outcome, scheduledFor, at, lateness, error } = last;
    const firings: EntryFirings = {
      counts,
      dispatches,
      last: {
        ...{ outcome, scheduledFor, at, lateness, dispatches: last.dispatches },
        error: error?.slice(0, MAX_ERROR_CHARACTERS) ?? null,
      },
      lastDispatched: lastDispatched?.at ?? null,
    };
    if (this.#quarters.get(job) === quarters) return { name, next, firings };
    this.#quarters.set(job, quarters);
    return { name, next, firings, quarters };
  }

  async #tellNexts(): Promise<void> {
    const { scheduler: { engine, config }, clock } = this.#options;
    if (engine === null || config === null) return;
    const slice = new Slice(clock);
    const { entries } = config;
    for (let from = 0; from < entries.length; from += LOT) {
      const lot = entries.slice(from, from + LOT);
      const nexts = Float64Array.from(
        lot,
        ({ name }) => engine.job(name)?.nextDue ?? Infinity,
      );
      this.#post({ type: "nexts", from, nexts }, [nexts.buffer]);
      if (slice.isOver()) await slice.pause();
      if (config !== this.#options.scheduler.config) return;
    }
  }

  #state(): SchedulerState {
    const { engine, control, pauses, config, isConnected, waitingFor } = this.#options.scheduler;
    const { last, ok, failed } = control.reloads;
    const { replica, leases = [], shards = 0, other_replicas = [] } = control.health();
    return {
      name: config?.name ?? "",
      runningSince: control.runningSince,
      waitingFor,
      isConnected,
      paused: { all: pauses.all, entries: [...pauses.entries] },
      lastReload: last,
      reloads: { ok, failed },
      replica: replica === undefined ? null : {
        name: replica,
        held: leases,
        shards,
        others: other_replicas,
        isKnown: engine?.knowsLeases ?? false,
      },
    };
  }
}

function viewOf(entry: ScheduleEntry): EntryView {
  return {
    name: entry.name,
    timing: { kind: entry.timing.kind, value: entry.timing.value },
    timezone: entry.timezone,
    startAt: entry.startAt?.getTime() ?? null,
    endAt: entry.endAt?.getTime() ?? null,
    dispatchType: entry.dispatchType,
    what: entry.dispatchType === "goal"
      ? entry.goalConfig.instruction.slice(0, 200)
      : entry.taskConfig.workerType,
    expandFrom: entry.expandFrom,
    enabled: entry.enabled,
  };
}

function listenError({ hostname, port }: ServerSettings, reason: string): ListenError {
  return new ListenError(`Cannot listen on ${hostname}:${port}: ${reason}`);
}
