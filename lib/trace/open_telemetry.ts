/**
 * The only file that knows OpenTelemetry: makes spans, and exports them over OTLP/HTTP. Nothing of it
 * is registered globally.
 *
 * @module
 */
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  SpanKind as ApiKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { errorText } from "../internal/error_text.ts";
import { unlessAborted } from "../internal/unless_aborted.ts";
import type { Logger } from "../log/logger.ts";
import { Losses } from "./losses.ts";
import type { TraceSettings } from "./trace_settings.ts";
import type {
  Attributes,
  EndOptions,
  ExportedTracing,
  Span,
  SpanKind,
  StartOptions,
  TraceContext,
} from "./tracing.ts";

const NAME = "heddle-scheduler";
/** What is left at the end is exported within this time, or lost. */
const MAX_FLUSH_MS = 1000;

const KINDS: Record<SpanKind, ApiKind> = {
  internal: ApiKind.INTERNAL,
  producer: ApiKind.PRODUCER,
};

const PROPAGATOR = new W3CTraceContextPropagator();

/** Loads the exporter, and begins to trace. */
export async function openTelemetry(
  settings: TraceSettings,
  { version, logger }: { version: string; logger: Logger },
): Promise<ExportedTracing> {
  const { url, timeoutMillis } = settings;
  const { OTLPTraceExporter } = settings.protocol === "http/json"
    ? await import("@opentelemetry/exporter-trace-otlp-http")
    : await import("@opentelemetry/exporter-trace-otlp-proto");
  const exporter = new OTLPTraceExporter({ url, timeoutMillis });
  return new OpenTelemetry(exporter, settings, { version, logger });
}

class OpenTelemetry implements ExportedTracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #queue: SpanQueue;

  constructor(
    exporter: SpanExporter,
    settings: TraceSettings,
    { version, logger }: { version: string; logger: Logger },
  ) {
    this.#queue = new SpanQueue(exporter, settings, new Losses(logger, settings.url));
    const ours = resourceFromAttributes({ "service.name": NAME, "service.version": version });
    const named = detectResources({
      detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector],
    });
    const value = Deno.env.get("OTEL_RESOURCE_ATTRIBUTES") ?? "";
    const isRead = Object.keys(resourceAttributesEnvDetector.detect().attributes ?? {}).length > 0;
    if (value.trim() !== "" && !isRead) {
      logger.warning("environment.ignored", {
        variable: "OTEL_RESOURCE_ATTRIBUTES",
        value,
        reason: "Expected KEY=VALUE, comma-separated and percent-encoded.",
      });
    }
    this.#provider = new TracerProvider({
      resource: defaultResource().merge(ours).merge(named),
      sampler: samplerOf(settings),
      spanProcessors: [this.#queue],
    });
    this.#tracer = this.#provider.getTracer(NAME, version);
  }

  start(name: string, { attributes, parent = null }: StartOptions): Span {
    const from = parent === null
      ? ROOT_CONTEXT
      : PROPAGATOR.extract(ROOT_CONTEXT, parent, defaultTextMapGetter);
    return this.#begin(name, "internal", attributes, from);
  }

  async stop(): Promise<void> {
    const flushed = this.#provider.shutdown().catch(() => {}); // the queue reports what is lost
    await unlessAborted(flushed, AbortSignal.timeout(MAX_FLUSH_MS));
    this.#queue.giveUp();
  }

  #begin(name: string, kind: SpanKind, attributes: Attributes | undefined, from: Context): Span {
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], attributes }, from);
    const own = trace.setSpan(from, span);
    return {
      context: contextOf(own),
      child: (childName, { kind: childKind, attributes: more }) =>
        this.#begin(childName, childKind, more, own),
      end: (options) => end(span, options),
    };
  }
}

/**
 * Passes ended spans to the SDK's processor, and counts those that are lost: the SDK would drop them
 * without a word.
 */
class SpanQueue implements SpanProcessor {
  readonly #batches: BatchSpanProcessor;
  readonly #losses: Losses;
  readonly #maxWaiting: number;
  /** Not yet given to the exporter. */
  #waiting = 0;
  /** Given to the exporter, which has not yet said what became of them. */
  #exporting = 0;

  constructor(exporter: SpanExporter, { batch }: TraceSettings, losses: Losses) {
    this.#losses = losses;
    this.#maxWaiting = batch.maxQueueSize;
    this.#batches = new BatchSpanProcessor({
      ...batch,
      maxExportBatchSize: Math.min(batch.maxExportBatchSize, batch.maxQueueSize),
      exporter: {
        export: (spans, done) => {
          this.#waiting -= spans.length;
          this.#exporting += spans.length;
          exporter.export(spans, (result) => {
            this.#exporting -= spans.length;
            if (result.code === ExportResultCode.SUCCESS) losses.exported();
            else losses.lost(spans.length, reasonOf(result.error));
            done(result);
          });
        },
        shutdown: () => exporter.shutdown(),
      },
    });
  }

  onStart(): void {}

  onEnd(span: Parameters<SpanProcessor["onEnd"]>[0]): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.#maxWaiting) {
      const error = `${this.#waiting} spans wait, which is all that OTEL_BSP_MAX_QUEUE_SIZE allows`;
      return this.#losses.lost(1, error);
    }
    this.#waiting++;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  /** Counts what is left as lost. */
  giveUp(): void {
    const left = this.#waiting + this.#exporting;
    if (left > 0) {
      this.#losses.lost(left, `it did not take them within ${MAX_FLUSH_MS} ms at the end`);
    }
    this.#losses.end();
  }
}

function samplerOf({ sampler, ratio }: TraceSettings): Sampler {
  const name = sampler.replace("parentbased_", "");
  const root = name === "always_on"
    ? new AlwaysOnSampler()
    : name === "always_off"
    ? new AlwaysOffSampler()
    : new TraceIdRatioBasedSampler(ratio);
  return sampler === name ? root : new ParentBasedSampler({ root });
}

/** Says in one line why an export failed. */
function reasonOf(error?: Error & { code?: unknown }): string {
  const { code } = error ?? {};
  const status = typeof code === "number" ? `HTTP status ${code}: ` : "";
  return `${status}${errorText(error ?? "unknown").split("\n")[0] || code}`.slice(0, 200);
}

function contextOf(own: Context): TraceContext {
  const carrier = { traceparent: "" };
  PROPAGATOR.inject(own, carrier, defaultTextMapSetter);
  return carrier;
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
