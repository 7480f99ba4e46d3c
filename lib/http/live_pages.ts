/**
 * Sends each open page what changes, as a stream of server-sent events.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import { TimingTable } from "../config/timing/timing_table.ts";
import { QUARTER_HOUR_MS } from "../engine/history.ts";
import { type DayAhead, dayAhead } from "../forecast/day_ahead.ts";
import type { Recurrence } from "../forecast/recurrence.ts";
import type { Clock } from "../time/clock.ts";
import { HttpError } from "./guard.ts";
import type { Snapshot } from "./snapshot.ts";
import { MAX_ROWS, recurrenceOf, rowOf, summaryOf } from "./page_view.ts";

export interface LivePagesOptions {
  snapshot: Snapshot;
  clock: Clock;
  version: string;
  mayControl: boolean;
}

interface Page {
  readonly response: ServerResponse;
  readonly filter: string;
  /** The version of each row that it was sent. */
  readonly versions: Map<string, number>;
  /** The quarter of an hour that its rows are of; a new one changes them all. */
  quarter: number;
}

const MAX_PAGES = 64;
/** How often a page is sent what changed. */
const PERIOD_MS = 1000;
/** How often the firings of the coming day are counted again. */
const AHEAD_PERIOD_MS = 30_000;
/** A page that leaves more unread than this is closed. */
const MAX_UNREAD_BYTES = 1_000_000;

export class LivePages {
  readonly #options: LivePagesOptions;
  readonly #pages = new Set<Page>();
  readonly #closing = new AbortController();
  #isRunning = false;
  #ahead: DayAhead = { from: 0, counts: [], isCut: false };
  #aheadAt = -Infinity;
  #aheadTiming = -1;

  constructor(options: LivePagesOptions) {
    this.#options = options;
  }

  /**
   * Begins the stream of a page.
   *
   * @param filter part of the names of the entries that it shows
   * @throws {HttpError} 503 where too many pages are open
   */
  open(response: ServerResponse, filter: string): void {
    if (this.#pages.size >= MAX_PAGES) {
      throw new HttpError(503, `${MAX_PAGES} pages are open: close one`, { "retry-after": "10" });
    }
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    const page: Page = { response, filter: filter.toLowerCase(), versions: new Map(), quarter: 0 };
    this.#pages.add(page);
    response.on("close", () => this.#pages.delete(page));
    this.#send(page);
    void this.#run();
  }

  close(): void {
    this.#closing.abort();
    for (const { response } of this.#pages) response.destroy();
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const { clock } = this.#options;
    while (this.#pages.size > 0 && !this.#closing.signal.aborted) {
      await clock.sleep(PERIOD_MS, this.#closing.signal);
      for (const page of this.#pages) {
        this.#send(page);
        await clock.sleep(0); // a scraper must not wait for all of them
      }
    }
    this.#isRunning = false;
  }

  #send(page: Page): void {
    const { response, filter, versions } = page;
    if (response.writableLength > MAX_UNREAD_BYTES) {
      response.destroy();
      this.#pages.delete(page);
      return;
    }
    const { snapshot, clock, version, mayControl } = this.#options;
    const now = clock.now();
    const quarter = Math.floor(now / QUARTER_HOUR_MS);
    if (quarter !== page.quarter) versions.clear();
    page.quarter = quarter;
    const matching = filter === ""
      ? snapshot.rows
      : snapshot.rows.filter(({ view }) => view.name.toLowerCase().includes(filter));
    const rows = matching.slice(0, MAX_ROWS);
    const changed = rows.filter((row) => versions.get(row.view.name) !== row.version);
    for (const row of changed) versions.set(row.view.name, row.version);
    // Where the entries are not those from before, all are sent, and their order.
    const isOther = rows.length !== versions.size || changed.length === rows.length;
    if (isOther) {
      versions.clear();
      for (const row of rows) versions.set(row.view.name, row.version);
    }
    const event = {
      summary: summaryOf(snapshot, {
        version,
        mayControl,
        ahead: this.#dayAhead(),
        matching: matching.length,
        now,
      }),
      ...(isOther && { names: rows.map(({ view }) => view.name) }),
      rows: (isOther ? rows : changed).map((row) => rowOf(row, snapshot, now)),
    };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }

  #dayAhead(): DayAhead {
    const { snapshot, clock } = this.#options;
    const now = clock.monotonic();
    const isOld = snapshot.timing !== this.#aheadTiming && now - this.#aheadAt > PERIOD_MS;
    if (isOld || now - this.#aheadAt > AHEAD_PERIOD_MS) {
      this.#ahead = dayAhead(firing(snapshot), clock.now());
      this.#aheadAt = now;
      this.#aheadTiming = snapshot.timing;
    }
    return this.#ahead;
  }
}

/** Yields the entries that will fire. */
function* firing(snapshot: Snapshot): Generator<Recurrence> {
  const timings = new TimingTable();
  for (const row of snapshot.rows) {
    if (row.view.enabled && !snapshot.isPaused(row)) yield recurrenceOf(row, timings);
  }
}
