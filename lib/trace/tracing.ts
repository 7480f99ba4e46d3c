/**
 * Spans, and the context that travels with messages.
 *
 * @module
 */

import { isPlainObject } from "../internal/plain_object.ts";

/** W3C Trace Context, as in headers and in a message's `_trace_context`. */
export interface TraceContext {
  /** The trace and the span, as W3C writes them. */
  readonly traceparent: string;
  /** The fields that tracing systems add. */
  readonly tracestate?: string;
}

/** `producer` for a span that publishes messages. */
export type SpanKind = "internal" | "producer";
/** The attributes of a span. */
export type Attributes = Record<string, string | number | boolean>;

/** One piece of work. */
export interface Span {
  /** The context for its messages. */
  readonly context: TraceContext;
  /** Begins a piece of this work. */
  child(name: string, options: ChildOptions): Span;
  /** Ends it. */
  end(options?: EndOptions): void;
}

/** Options of a span that begins. */
export interface StartOptions {
  /** Its attributes. */
  attributes: Attributes;
  /** The context of the request for this work. Default: null, it begins a trace. */
  parent?: TraceContext | null;
}

/** Options of a span within another. */
export interface ChildOptions {
  /** `producer` where it publishes messages. */
  kind: SpanKind;
  /** Its attributes. Default: none. */
  attributes?: Attributes;
}

/** Options of a span that ends. */
export interface EndOptions {
  /** Further attributes. Default: none. */
  attributes?: Attributes;
  /** The error that it failed with; undefined where it did not. */
  error?: unknown;
}

/** Begins traces. */
export interface Tracing {
  /** Begins a piece of work, and a trace unless it has a parent. */
  start(name: string, options: StartOptions): Span;
}

/** Traces that are exported. */
export interface ExportedTracing extends Tracing {
  /**
   * Exports what is left, when all spans have ended. It takes a second at most; what is not exported
   * by then is lost.
   */
  stop(): Promise<void>;
}

const TRACEPARENT = /^[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}/;
/** The length that the specification has everybody pass on; a longer state is left out. */
const MAX_STATE_CHARACTERS = 512;

/**
 * Reads the context that came with a message: from its headers, else from its `_trace_context`.
 *
 * @returns null where there is none, or none that can be read
 */
export function readTraceContext(
  { headers, data }: { headers: Readonly<Record<string, string>>; data: Record<string, unknown> },
): TraceContext | null {
  const carried = data._trace_context;
  for (const source of [headers, isPlainObject(carried) ? carried : {}]) {
    const { traceparent, tracestate } = source;
    if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) continue;
    const hasState = typeof tracestate === "string" && tracestate.length <= MAX_STATE_CHARACTERS &&
      /^[ -~]+$/.test(tracestate);
    return { traceparent, ...(hasState && { tracestate }) };
  }
  return null;
}
