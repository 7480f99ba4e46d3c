import type { Tracing } from "./tracing.ts";

/**
 * Starts tracing where the environment asks for it by `OTEL_DENO=true`; else loads nothing and
 * returns null.
 *
 * @param version the program's, which the spans name
 */
export async function startTracing(version: string): Promise<Tracing | null> {
  if (Deno.env.get("OTEL_DENO") !== "true") return null;
  const { OpenTelemetry } = await import("./open_telemetry.ts");
  return new OpenTelemetry(version);
}
