/**
 * Traces of the firings: what `SchedulerActorOptions.tracing` takes, and the one that uses Deno's
 * OpenTelemetry.
 *
 * @module
 */
export { startTracing } from "./trace/start_tracing.ts";
export type {
  Attributes,
  ChildOptions,
  EndOptions,
  Span,
  SpanKind,
  StartOptions,
  TraceContext,
  Tracing,
} from "./trace/tracing.ts";
