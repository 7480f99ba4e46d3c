/**
 * The only file that knows OpenTelemetry's API. Deno itself exports the spans.
 *
 * @module
 */
import {
  type Context,
  context,
  propagation,
  type Span as ApiSpan,
  SpanKind as ApiKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { errorText } from "../internal/error_text.ts";
import type {
  Attributes,
  EndOptions,
  Span,
  SpanKind,
  StartOptions,
  TraceContext,
  Tracing,
} from "./tracing.ts";

const KINDS: Record<SpanKind, ApiKind> = {
  internal: ApiKind.INTERNAL,
  producer: ApiKind.PRODUCER,
};

export class OpenTelemetry implements Tracing {
  readonly #tracer: Tracer;

  constructor(version: string) {
    this.#tracer = trace.getTracer("heddle-scheduler", version);
  }

  start(name: string, { attributes, parent = null }: StartOptions): Span {
    // Not the active span: a firing belongs to the request for it, or begins a trace.
    const root = context.active();
    const from = parent === null ? trace.deleteSpan(root) : propagation.extract(root, parent);
    return this.#begin(name, "internal", attributes, { from, state: parent?.tracestate });
  }

  /** @param within.state the `tracestate` that came with the trace, which Deno's spans drop */
  #begin(
    name: string,
    kind: SpanKind,
    attributes: Attributes | undefined,
    { from, state }: { from: Context; state?: string },
  ): Span {
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes }, from);
    const own = trace.setSpan(from, span);
    return {
      context: contextOf(own, state),
      child: (childName, { kind: childKind, attributes: more }) =>
        this.#begin(childName, childKind, more, { from: own, state }),
      end: (options) => end(span, options),
    };
  }
}

function contextOf(own: Context, state?: string): TraceContext {
  const carrier: Record<string, string> = {};
  propagation.inject(own, carrier);
  const { traceparent = "", tracestate = state } = carrier;
  return { traceparent, ...(tracestate && { tracestate }) };
}

function end(span: ApiSpan, { attributes = {}, error }: EndOptions = {}): void {
  span.setAttributes(attributes);
  if (error !== undefined) {
    const message = errorText(error);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    if (error instanceof Error) span.recordException(error);
  }
  span.end();
}
