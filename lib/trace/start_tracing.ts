import type { Tracing } from "./tracing.ts";

/**
 * The tracing that the environment asks for by `OTEL_DENO=true`, or null: then nothing is loaded.
 *
 * @param version the program's, which the spans name
 */
export async function startTracing(version: string): Promise<Tracing | null> {
  if (Deno.env.get("OTEL_DENO") !== "true") return null;
  const { OpenTelemetry } = await import("./open_telemetry.ts");
  return new OpenTelemetry(version);
}
