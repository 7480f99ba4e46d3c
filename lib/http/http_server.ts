/**
 * The scheduler's side of the HTTP server. The server itself runs in a thread of its own: it is sent what
 * changes, and its requests are carried out here.
 *
 * @module
 */
import type { ControlReply, ControlRequest } from "../control/control_api.ts";
import type { Logger } from "../log/logger.ts";
import type { Quarters } from "../engine/history.ts";
import type { Job } from "../engine/job.ts";
import type { SchedulerConfig } from "../config/load_config.ts";
import { DEFAULTS } from "../config/config_schema.ts";
import { gistOf, notesOf, type ScheduleEntry } from "../config/schedule_entry.ts";
import type { SchedulerActor } from "../scheduler/scheduler_actor.ts";
import { expansionText } from "../schedule/expansion_text.ts";
import { workerEntry } from "../internal/worker_entry.ts";
import { deliveryStatus } from "../control/control_status.ts";
import type { Clock } from "../time/clock.ts";
import { Slice } from "../time/slice.ts";
import { isMissingAddress } from "./protocol.ts";
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

/** How often the thread is sent the scheduler's state. */
const PERIOD_MS = 250;
/** How often at most it is sent what has fired: a row costs 2 µs, and pages are redrawn each second. */
const ROWS_PERIOD_MS = 500;
/** How often the thread is sent all next due times again: the clock may have been set. */
const NEXTS_PERIOD_MS = 10_000;
const MAX_ROWS_PER_MESSAGE = 500;
const MAX_ERROR_CHARACTERS = 200;
const MAX_NOTES_CHARACTERS = 300;
const RESTART_DELAY_MS = 1000;
/** How long the thread may take to close its connections. */
const CLOSE_TIMEOUT_MS = 500;

/** Reports an address that cannot be listened on. */
export class ListenError extends Error {
  override name = "ListenError";
}

export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #closing = new AbortController();
  #worker: Worker | null = null;
  /** The port that it listens on; 0 before it does. */
  #port = 0;
  #forget = () => {};
  #sending: Promise<void> = Promise.resolve();
  /** The jobs that have fired since their rows were sent. */
  #changed = new Set<Job>();
  /** The quarters of each job as they were last sent. */
  #quarters = new WeakMap<Job, Quarters>();
  #config: SchedulerConfig | null = null;
  /** Called when the thread has taken in the rows that were sent. */
  #taken: (() => void) | null = null;

  constructor(options: HttpServerOptions) {
    this.#options = options;
  }

  /**
   * Begins to listen, and returns the port.
   *
   * @throws {ListenError} when the address cannot be listened on
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
    await Promise.race([this.#sending, clock.sleep(CLOSE_TIMEOUT_MS)]);
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
      else this.#receive(worker, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message);
    };
    this.#post({ type: "listen", settings: { ...settings, port } });
    const signal = AbortSignal.any([this.#closing.signal, ended.signal]);
    this.#sending = this.#sendChanges(signal).catch((error) => fail(String(error)));
    return opened.promise;
  }

  /** Starts the thread again after a fault, on the same port; the schedules are not affected. */
  async #restart(failed: Worker, error: string): Promise<void> {
    const hasListened = this.#port !== 0;
    if (!hasListened || this.#worker !== failed || this.#closing.signal.aborted) return;
    const { clock, logger } = this.#options;
    logger.error("http.failed", { error, hint: "the HTTP server is started again" });
    failed.terminate();
    this.#worker = null;
    await clock.sleep(RESTART_DELAY_MS, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    await this.#start(this.#port).catch(() => {}); // it is said, and tried again
  }

  #post(message: ToServer, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #receive(worker: Worker, message: FromServer): void {
    if (worker !== this.#worker) return;
    switch (message.type) {
      case "taken":
        this.#taken?.();
        break;
      case "isAlive":
        this.#post({ type: "alive" });
        break;
      case "ask":
        void this.#answer(message.request).then((reply) => {
          if (worker === this.#worker) this.#post({ type: "answer", id: message.id, reply });
        });
    }
  }

  /** Without a connection nothing is fired: it would wait for one, and surprise whoever asked. */
  async #answer(request: ControlRequest): Promise<ControlReply | null> {
    const { scheduler } = this.#options;
    if (request.action !== "fire" || scheduler.isConnected) {
      return await scheduler.control.answer({ ...request });
    }
    const error = "Nothing was fired: the scheduler is not connected to its server";
    return { status: "error", code: "failed", error };
  }

  /** Sends the thread what changes, no faster than it takes that in. */
  async #sendChanges(signal: AbortSignal): Promise<void> {
    const { clock, scheduler } = this.#options;
    /** What the next due times that were sent depend on. */
    let sent = "";
    let nextsAt = -Infinity;
    let rowsAt = -Infinity;
    while (!signal.aborted) {
      if (scheduler.config !== this.#config) {
        const config = scheduler.config!;
        await this.#sendEntries(config.entries);
        this.#config = config;
        nextsAt = -Infinity;
      }
      const state = this.#state();
      // Also when it has not changed, since the thread judges by its age.
      this.#post({ type: "state", state });
      const current = JSON.stringify([state.runningSince, state.replica?.held]);
      if (clock.monotonic() - nextsAt > NEXTS_PERIOD_MS || current !== sent) {
        await this.#sendNexts();
        nextsAt = clock.monotonic();
        sent = current;
      }
      if (clock.monotonic() - rowsAt >= ROWS_PERIOD_MS) {
        rowsAt = clock.monotonic();
        await this.#sendRows(signal);
      }
      await clock.sleep(PERIOD_MS, signal);
    }
  }

  async #sendEntries(entries: readonly ScheduleEntry[]): Promise<void> {
    const { scheduler, clock } = this.#options;
    const slice = new Slice(clock);
    this.#quarters = new WeakMap();
    for (let from = 0; from === 0 || from < entries.length; from += MAX_ROWS_PER_MESSAGE) {
      this.#post({
        type: "entries",
        isFirst: from === 0,
        isLast: from + MAX_ROWS_PER_MESSAGE >= entries.length,
        entries: entries.slice(from, from + MAX_ROWS_PER_MESSAGE).map((entry) => {
          const job = scheduler.engine?.job(entry.name);
          const none = { name: entry.name, next: Infinity, firings: null };
          return { view: viewOf(entry), row: job === undefined ? none : this.#rowOf(job) };
        }),
      });
      if (slice.isOver()) await slice.pause();
    }
    this.#post({ type: "totals", totals: scheduler.history.totals });
  }

  /** Sends the rows of the jobs that have fired, one message at a time. */
  async #sendRows(signal: AbortSignal): Promise<void> {
    const changed = this.#changed;
    if (changed.size === 0) return;
    this.#changed = new Set();
    for (let rows: EntryRow[] = []; changed.size > 0 && !signal.aborted; rows = []) {
      for (const job of changed) {
        changed.delete(job);
        if (rows.push(this.#rowOf(job)) === MAX_ROWS_PER_MESSAGE) break;
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

  async #sendNexts(): Promise<void> {
    const { scheduler: { engine, config }, clock } = this.#options;
    if (engine === null || config === null) return;
    const slice = new Slice(clock);
    const { entries } = config;
    for (let from = 0; from < entries.length; from += MAX_ROWS_PER_MESSAGE) {
      const lot = entries.slice(from, from + MAX_ROWS_PER_MESSAGE);
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
      wire: config?.wire ?? DEFAULTS.wire,
      runningSince: control.runningSince,
      waitingFor,
      isConnected,
      ways: engine === null ? [] : deliveryStatus(engine.delivery).subjects,
      heldBack: engine?.heldBack ?? 0,
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
    what: gistOf(entry).slice(0, 200),
    expansion: expansionText(entry),
    notes: notesOf(entry).slice(0, MAX_NOTES_CHARACTERS),
    enabled: entry.enabled,
  };
}

function listenError({ hostname, port }: ServerSettings, reason: string): ListenError {
  const hint = hostname === "127.0.0.1" && isMissingAddress(reason)
    ? `; this machine has no such address: without IPv4 it is [::1]:${port}`
    : "";
  return new ListenError(`Cannot listen on ${hostname}:${port}: ${reason}${hint}`);
}
