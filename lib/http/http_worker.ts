/**
 * The entry of the worker in which the HTTP server runs, so that no request can delay a firing.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ControlReply, ControlRequest } from "../control/control_api.ts";
import { systemClock } from "../time/clock.ts";
import { renewZones } from "../time/zone.ts";
import { boundConnections } from "./connections.ts";
import { Guard } from "./guard.ts";
import { LivePages } from "./live_pages.ts";
import { Metrics } from "./metrics.ts";
import type { FromServer, ServerSettings, ToServer } from "./protocol.ts";
import { isMissingAddress } from "./protocol.ts";
import { Routes } from "./routes.ts";
import { Snapshot } from "./snapshot.ts";

declare function postMessage(message: FromServer): void;

const MAX_CONNECTIONS = 256;
// Clients that are slower are disconnected.
const HEAD_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 5000;
const CHECK_INTERVAL_MS = 1000;
/** How long the scheduler's thread may take to answer that it is alive. */
const ALIVE_TIMEOUT_MS = 2000;
/** How long the scheduler's thread may take for a request; a firing takes as long as its expansion. */
const ANSWER_TIMEOUT_MS = 120_000;

class SchedulerLink {
  readonly #waiting = new Map<number, (reply: ControlReply | null) => void>();
  #asked = 0;
  #alive: PromiseWithResolvers<boolean> | null = null;

  ask(request: ControlRequest): Promise<ControlReply | null> {
    const id = ++this.#asked;
    // A firing that the page no longer waits for must not begin.
    const isFire = request.action === "fire";
    const timed = isFire ? { timeout_ms: ANSWER_TIMEOUT_MS, ...request } : request;
    postMessage({ type: "ask", id, request: timed });
    return new Promise((resolve) => {
      const answered = new AbortController();
      this.#waiting.set(id, (reply) => {
        answered.abort();
        resolve(reply);
      });
      void systemClock.sleep(ANSWER_TIMEOUT_MS, answered.signal).then(() => this.answer(id, null));
    });
  }

  answer(id: number, reply: ControlReply | null): void {
    this.#waiting.get(id)?.(reply);
    this.#waiting.delete(id);
  }

  /** Reports whether the scheduler's thread answers. It is asked once for all who wait. */
  async isAlive(): Promise<boolean> {
    if (this.#alive === null) {
      this.#alive = Promise.withResolvers();
      postMessage({ type: "isAlive" });
    }
    const answered = new AbortController();
    const late = systemClock.sleep(ALIVE_TIMEOUT_MS, answered.signal).then(() => false);
    const isAlive = await Promise.race([this.#alive.promise, late]);
    answered.abort();
    return isAlive;
  }

  alive(): void {
    this.#alive?.resolve(true);
    this.#alive = null;
  }
}

/** Returns the addresses of a name, or the one that is given. */
async function addressesOf(hostname: string): Promise<string[]> {
  const found = await lookup(hostname, { all: true }).catch(() => []);
  return found.length > 0 ? found.map(({ address }) => address) : [hostname];
}

function listen(settings: ServerSettings, snapshot: Snapshot, link: SchedulerLink) {
  const { hostname, port, token, allowsControl, version } = settings;
  const clock = systemClock;
  const page = Deno.readTextFileSync(new URL("page.html", import.meta.url));
  const pages = new LivePages({ snapshot, clock, version, mayControl: allowsControl });
  const routes = new Routes({
    guard: new Guard(token),
    snapshot,
    metrics: new Metrics(snapshot, { version, deno: Deno.version.deno }),
    pages,
    clock,
    page,
    allowsControl,
    isAlive: () => link.isAlive(),
    ask: (request) => link.ask(request),
  });
  const server = createServer({
    headersTimeout: HEAD_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
  }, (request, response) => {
    response.on("error", () => {}); // its reader has gone
    request.on("error", () => {});
    void routes.answer(request, response);
  });
  boundConnections(server, MAX_CONNECTIONS);
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("listening", () => {
    postMessage({ type: "listening", port: (server.address() as AddressInfo).port });
  });
  void addressesOf(hostname).then((addresses) => {
    const next = () => server.listen(port, addresses.shift());
    server.on("error", ({ message }) => {
      // A name may have an address that this machine has not, as localhost has without IPv4.
      if (addresses.length > 0 && isMissingAddress(message)) next();
      else postMessage({ type: "failed", error: message });
    });
    next();
  });
  return { server, pages };
}

if (import.meta.main) {
  const snapshot = new Snapshot();
  const link = new SchedulerLink();
  let running: { server: Server; pages: LivePages } | null = null;
  globalThis.addEventListener("message", (event) => {
    const { data: message } = event as MessageEvent<ToServer>;
    switch (message.type) {
      case "listen":
        running = listen(message.settings, snapshot, link);
        break;
      case "alive":
        link.alive();
        break;
      case "answer":
        link.answer(message.id, message.reply);
        break;
      case "close":
        running?.pages.close();
        running?.server.close();
        running?.server.closeAllConnections();
        break;
      default:
        // A reload, which may have brought newer data; this thread has its own.
        if (message.type === "entries" && message.isFirst) renewZones();
        snapshot.take(message, systemClock.monotonic());
        if (message.type === "rows") postMessage({ type: "taken" });
    }
  });
}
