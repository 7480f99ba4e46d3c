/**
 * Traces of the firings: what `SchedulerActorOptions.tracing` takes, and the one that exports
 * them by OpenTelemetry.
 *
 * @module
 */
export type { Logger } from "./log/logger.ts";
export { startTracing, type StartTracingOptions } from "./trace/start_tracing.ts";
export type {
  Attributes,
  ChildOptions,
  EndOptions,
  ExportedTracing,
  Span,
  SpanKind,
  StartOptions,
  TraceContext,
  Tracing,
} from "./trace/tracing.ts";
