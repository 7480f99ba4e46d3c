/**
 * Answers the requests, path by path.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ControlReply, ControlRequest, FireRequest } from "../control/control_api.ts";
import { shown } from "../config/config_problem.ts";
import { decodePayload } from "../bus/payload.ts";
import { errorText } from "../internal/error_text.ts";
import type { Clock } from "../time/clock.ts";
import { type Guard, HttpError } from "./guard.ts";
import type { LivePages } from "./live_pages.ts";
import type { Metrics } from "./metrics.ts";
import { HEALTH_ANSWERS } from "./protocol.ts";
import type { Snapshot } from "./snapshot.ts";

export interface RoutesOptions {
  guard: Guard;
  snapshot: Snapshot;
  metrics: Metrics;
  pages: LivePages;
  clock: Clock;
  /** The page's source. */
  page: string;
  allowsControl: boolean;
  /** Whether the scheduler's own thread answers. */
  isAlive(): Promise<boolean>;
  ask(request: ControlRequest): Promise<ControlReply | null>;
}

const MAX_BODY_BYTES = 16_384;
/** A state that is older counts as unknown: the scheduler's thread sends it every 250 ms. */
const MAX_STATE_AGE_MS = 5000;
/** The control actions that the page may ask for. */
const CONTROL_ACTIONS = ["fire", "pause", "resume"];

type Handler = (request: IncomingMessage, response: ServerResponse, query: string) => unknown;

export class Routes {
  readonly #options: RoutesOptions;
  readonly #pageHeaders: Record<string, string>;
  /** The entries that pages fire just now. */
  readonly #firing = new Set<unknown>();
  readonly #paths: Record<string, { methods: readonly string[]; handle: Handler; open?: true }>;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#pageHeaders = {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": contentPolicy(options.page),
    };
    const read = ["GET", "HEAD"];
    this.#paths = {
      "/healthz": { methods: read, open: true, handle: (_, response) => this.#health(response) },
      "/readyz": { methods: read, open: true, handle: (_, response) => this.#ready(response) },
      "/metrics": { methods: read, handle: (_, response) => this.#metrics(response) },
      "/": { methods: read, handle: (request, response) => this.#page(request, response) },
      "/events": { methods: ["GET"], handle: (...all) => this.#events(...all) },
      "/control": {
        methods: ["POST"],
        handle: (...[request, response]) => this.#control(request, response),
      },
    };
  }

  /** Answers a request. Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guard } = this.#options;
    try {
      guard.checkHostForm(request);
      // As it was sent: a proxy in front that guards a path knows one spelling of it.
      const [path, ...query] = request.url!.split("?");
      const route = Object.hasOwn(this.#paths, path!) ? this.#paths[path!]! : null;
      if (!route?.open) guard.checkToken(request);
      if (route === null) {
        throw new HttpError(404, `Nothing is at this path: ${Object.keys(this.#paths).join(" ")}`);
      }
      if (!route.methods.includes(request.method ?? "")) {
        const allow = route.methods.join(", ");
        throw new HttpError(405, `This path takes ${allow}`, { allow });
      }
      await route.handle(request, response, query.join("?"));
    } catch (error) {
      const refused = error instanceof HttpError ? error : new HttpError(500, String(error));
      if (response.headersSent) return void response.destroy();
      const { status, message, headers } = refused;
      // The rest of a body that nobody reads must not be taken for the next request.
      send(response, status, "text/plain; charset=utf-8", `${message}\n`, {
        ...headers,
        connection: "close",
      });
    }
  }

  async #health(response: ServerResponse): Promise<void> {
    const isAlive = await this.#options.isAlive();
    const text = isAlive ? HEALTH_ANSWERS.alive : HEALTH_ANSWERS.silent;
    send(response, isAlive ? 200 : 503, "text/plain; charset=utf-8", `${text}\n`);
  }

  async #ready(response: ServerResponse): Promise<void> {
    const { snapshot, clock, isAlive } = this.#options;
    const { state } = snapshot;
    const isFresh = clock.monotonic() - snapshot.stateAt < MAX_STATE_AGE_MS && await isAlive();
    const checks = {
      alive: isFresh,
      running: state !== null && state.runningSince !== null,
      connected: state?.isConnected === true,
      delivery_known: state?.ways.every(({ via }) => via !== "unknown") === true,
      lease_known: state !== null && state.replica?.isKnown !== false,
    };
    const isReady = Object.values(checks).every(Boolean);
    const waitingFor = state?.waitingFor ?? null;
    const why = waitingFor === null ? {} : { waiting_for: waitingFor };
    const body = JSON.stringify({ ready: isReady, ...checks, ...why });
    send(response, isReady ? 200 : 503, "application/json", `${body}\n`);
  }

  async #metrics(response: ServerResponse): Promise<void> {
    const { metrics, clock } = this.#options;
    send(response, 200, metrics.contentType, await metrics.text(clock.monotonic()));
  }

  #page(request: IncomingMessage, response: ServerResponse): void {
    this.#options.guard.checkHost(request);
    const { "content-type": type, ...headers } = this.#pageHeaders;
    send(response, 200, type!, this.#options.page, headers);
  }

  #events(request: IncomingMessage, response: ServerResponse, query: string): void {
    this.#options.guard.checkHost(request);
    const filter = new URLSearchParams(query).get("filter") ?? "";
    if (filter.length > 256) throw new HttpError(400, "The filter is too long: at most 256");
    this.#options.pages.open(response, filter);
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { guard, allowsControl } = this.#options;
    if (!allowsControl) {
      throw new HttpError(403, "The page is read-only: start with --http-control");
    }
    guard.checkHost(request);
    guard.checkSameSite(request);
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
      throw new HttpError(415, "The body has to be application/json");
    }
    const data = await readJson(request);
    const action = String(data.action);
    if (!CONTROL_ACTIONS.includes(action)) {
      throw new HttpError(403, `The page may only ${CONTROL_ACTIONS.join(", ")}`);
    }
    const asked = data as unknown as ControlRequest;
    const reply = asked.action === "fire"
      ? await this.#fire(asked)
      : await this.#options.ask(asked);
    const isRefused = reply === null || reply.status === "error";
    const body = reply ?? {
      status: "error",
      code: "failed",
      error: "Another replica holds this entry's lease: fire it by the command line",
    };
    send(response, isRefused ? 409 : 200, "application/json", `${JSON.stringify(body)}\n`);
  }

  /** Fires an entry, one firing at a time: who sees nothing happen asks again. */
  async #fire(request: FireRequest): Promise<ControlReply | null> {
    const { entry } = request;
    if (this.#firing.has(entry)) {
      const error = `A firing of ${shown(entry)} by this page, or another, has not ended yet`;
      return { status: "error", code: "busy", error };
    }
    this.#firing.add(entry);
    try {
      return await this.#options.ask(request);
    } finally {
      this.#firing.delete(entry);
    }
  }
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": String(new TextEncoder().encode(body).length),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    ...headers,
  });
  response.end(body);
}

/** Returns a policy under which only the page's own script runs, and connects to this server alone. */
function contentPolicy(page: string): string {
  const hashes = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))]
      .map(([, text]) => `'sha256-${createHash("sha256").update(text!).digest("base64")}'`)
      .join(" ");
  return [
    "default-src 'none'",
    `script-src ${hashes("script")}`,
    `style-src ${hashes("style")}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await bodyOf(request);
  try {
    return decodePayload(body);
  } catch (error) {
    throw new HttpError(400, `The body is no JSON object: ${errorText(error)}`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of request) {
    size += piece.length;
    if (size > MAX_BODY_BYTES) {
      throw new HttpError(413, `The body is too large: at most ${MAX_BODY_BYTES}`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
