import { defaultLogger, type Logger } from "../log/logger.ts";
import { errorText } from "../internal/error_text.ts";
import type { ExportedTracing } from "./tracing.ts";

/** Options of {@link startTracing}. */
export interface StartTracingOptions {
  /** The program's version, which the spans name. */
  version: string;
  /** Is told of settings that cannot be used, and of spans that are lost. Default: LogTape's. */
  logger?: Logger;
}

/**
 * Starts to trace, by what the `OTEL_…` variables say: `OTEL_EXPORTER_OTLP_…`, `OTEL_BSP_…`,
 * `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SDK_DISABLED`.
 *
 * @returns null where they say that nothing is traced, or nothing can be exported by them, which is
 * logged
 */
export async function startTracing(
  { version, logger = defaultLogger() }: StartTracingOptions,
): Promise<ExportedTracing | null> {
  const { readTraceSettings } = await import("./trace_settings.ts");
  try {
    const settings = await readTraceSettings({
      get: (name) => Deno.env.get(name),
      onIgnored: (variable, value, expected) => {
        logger.warning("environment.ignored", { variable, value, reason: `Expected ${expected}.` });
      },
    });
    if (settings === null) {
      logger.info("tracing.disabled", { variable: "OTEL_SDK_DISABLED" });
      return null;
    }
    const { openTelemetry } = await import("./open_telemetry.ts");
    return await openTelemetry(settings, { version, logger });
  } catch (error) {
    logger.warning("tracing.unavailable", {
      error: errorText(error),
      hint: "the schedules run without traces",
    });
    return null;
  }
}
