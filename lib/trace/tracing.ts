/**
 * Traces, where the environment asks for them: spans, and how their context travels.
 *
 * @module
 */

import { isPlainObject } from "../internal/plain_object.ts";

/** W3C Trace Context, as it stands in headers and in a message's `_trace_context`. */
export interface TraceContext {
  /** The trace and the span, as W3C writes them. */
  readonly traceparent: string;
  /** What tracing systems add of their own. */
  readonly tracestate?: string;
}

/** Whether a span publishes messages. */
export type SpanKind = "internal" | "producer";
/** What is known of a span, by name. */
export type Attributes = Record<string, string | number | boolean>;

/** One piece of work. */
export interface Span {
  /** What its messages carry. */
  readonly context: TraceContext;
  /** Begins a piece of this work. */
  child(name: string, options: ChildOptions): Span;
  /** Ends it, with what is known of it by then. */
  end(options?: EndOptions): void;
}

/** How a trace begins. */
export interface StartOptions {
  /** What is known of it at the start. */
  attributes: Attributes;
  /** The work that asked for this one. Default: null, it begins a trace. */
  parent?: TraceContext | null;
}

/** How a piece of work begins. */
export interface ChildOptions {
  /** Whether it publishes messages. */
  kind: SpanKind;
  /** What is known of it at the start. Default: nothing more. */
  attributes?: Attributes;
}

/** How a span ends. */
export interface EndOptions {
  /** What is known of it by then. Default: nothing more. */
  attributes?: Attributes;
  /** What it failed with; undefined where it did not. */
  error?: unknown;
}

/** Begins traces. */
export interface Tracing {
  /** Begins a piece of work, and a trace unless it has a parent. */
  start(name: string, options: StartOptions): Span;
}

const TRACEPARENT = /^[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}/;
/** What the specification has everybody carry at least; longer ones are left out. */
const LONGEST_STATE = 512;

/**
 * The context that came with a message: from its headers, else from its `_trace_context`.
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
    const hasState = typeof tracestate === "string" && tracestate.length <= LONGEST_STATE &&
      /^[ -~]+$/.test(tracestate);
    return { traceparent, ...(hasState && { tracestate }) };
  }
  return null;
}
