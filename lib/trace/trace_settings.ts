/**
 * Reads what the environment says of traces and the SDK itself does not read, or takes without a word
 * where it is wrong: the specification of OpenTelemetry's environment variables has the names, the
 * values and the defaults.
 *
 * @module
 */
import { errorText } from "../internal/error_text.ts";
import { readRegularFile } from "../internal/read_file.ts";

/** What the environment says of traces. Where a field is undefined, the SDK's default holds. */
export interface TraceSettings {
  protocol: typeof PROTOCOLS[number];
  url: string;
  timeoutMillis?: number;
  batch: {
    scheduledDelayMillis?: number;
    maxQueueSize: number;
    maxExportBatchSize: number;
    exportTimeoutMillis?: number;
  };
  sampler: typeof SAMPLERS[number];
  /** The part of the traces that a sampler by ratio takes, from 0 to 1. */
  ratio: number;
}

/** A setting without which nothing can be exported. */
export class TraceSettingsError extends Error {
  override readonly name = "TraceSettingsError";
}

/** Where the settings come from. */
export interface TraceEnvironment {
  /** Returns the value of a variable of the environment. */
  get(name: string): string | undefined;
  /** Is told of a variable whose value is not used. */
  onIgnored(variable: string, value: string, expected: string): void;
}

/** More than certificates and keys take. */
const MAX_CERTIFICATE_BYTES = 2 ** 20;

const PROTOCOLS = ["http/protobuf", "http/json"] as const;
const SAMPLERS = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

/** What the exporter's variables begin with: those for traces come before those for all signals. */
const EXPORTER = ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"] as const;
const DEFAULT_ENDPOINT = "http://localhost:4318";
const DEFAULT_MAX_QUEUE_SIZE = 2048;
const DEFAULT_MAX_EXPORT_BATCH_SIZE = 512;
/** `setTimeout` overflows above this. */
const MAX_NUMBER = 2 ** 31 - 1;

/**
 * Reads the settings, and checks the files that they name.
 *
 * @returns null where they say that nothing is traced
 * @throws {TraceSettingsError} when nothing can be exported by them
 */
export async function readTraceSettings(
  environment: TraceEnvironment,
): Promise<TraceSettings | null> {
  const variables = new Variables(environment);
  if (variables.oneOf("OTEL_SDK_DISABLED", ["true", "false"]) === "true") return null;
  const protocol = variables.ofExporter("PROTOCOL");
  const known = PROTOCOLS.find((each) => each === (protocol?.value ?? PROTOCOLS[0]));
  if (known === undefined) throw wrong(protocol!, PROTOCOLS.join(" or "));
  const url = tracesUrl(variables.ofExporter("ENDPOINT"));
  await checkCertificates(variables);
  const [timeoutMillis] = EXPORTER.flatMap((prefix) => {
    variables.oneOf(`${prefix}COMPRESSION`, ["none", "gzip"]); // the SDK reads it, but says nothing
    return variables.wholeNumber(`${prefix}TIMEOUT`, 1) ?? [];
  });
  return {
    protocol: known,
    url,
    timeoutMillis,
    batch: {
      scheduledDelayMillis: variables.wholeNumber("OTEL_BSP_SCHEDULE_DELAY", 0),
      maxQueueSize: variables.wholeNumber("OTEL_BSP_MAX_QUEUE_SIZE", 1) ?? DEFAULT_MAX_QUEUE_SIZE,
      maxExportBatchSize: variables.wholeNumber("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1) ??
        DEFAULT_MAX_EXPORT_BATCH_SIZE,
      exportTimeoutMillis: variables.wholeNumber("OTEL_BSP_EXPORT_TIMEOUT", 1),
    },
    sampler: variables.oneOf("OTEL_TRACES_SAMPLER", SAMPLERS) ?? SAMPLERS[0],
    ratio: variables.ratio("OTEL_TRACES_SAMPLER_ARG") ?? 1,
  };
}

interface Variable {
  name: string;
  value: string;
}

class Variables {
  readonly #environment: TraceEnvironment;

  constructor(environment: TraceEnvironment) {
    this.#environment = environment;
  }

  /** Returns the exporter's variable for traces, else the one for all signals. */
  ofExporter(what: string): Variable | undefined {
    return EXPORTER
      .map((prefix) => ({ name: `${prefix}${what}`, value: this.#value(`${prefix}${what}`) ?? "" }))
      .find(({ value }) => value !== "");
  }

  oneOf<const Choice extends string>(
    name: string,
    choices: readonly Choice[],
  ): Choice | undefined {
    return this.#read(name, choices.join(", "), (text) => {
      return choices.find((each) => each === text.toLowerCase());
    });
  }

  wholeNumber(name: string, min: number): number | undefined {
    return this.#read(name, `a whole number from ${min} to ${MAX_NUMBER}`, (text) => {
      const value = Number(text);
      return Number.isInteger(value) && value >= min && value <= MAX_NUMBER ? value : undefined;
    });
  }

  ratio(name: string): number | undefined {
    return this.#read(name, "a number from 0 to 1", (text) => {
      const value = Number(text);
      return value >= 0 && value <= 1 ? value : undefined;
    });
  }

  #read<T>(
    name: string,
    expected: string,
    parse: (text: string) => T | undefined,
  ): T | undefined {
    const text = this.#value(name);
    if (text === undefined) return;
    const value = parse(text);
    if (value === undefined) this.#environment.onIgnored(name, text, expected);
    return value;
  }

  /** An empty variable counts as one that is not set. */
  #value(name: string): string | undefined {
    return this.#environment.get(name)?.trim() || undefined;
  }
}

function tracesUrl(endpoint: Variable | undefined): string {
  const url = URL.parse(endpoint?.value ?? DEFAULT_ENDPOINT);
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw wrong(endpoint!, `a URL such as ${DEFAULT_ENDPOINT}`);
  }
  // The variable for traces names the place itself.
  if (endpoint?.name !== `${EXPORTER[0]}ENDPOINT`) {
    url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/traces`;
  }
  return url.href;
}

/** The SDK goes on without a file that it cannot read. */
async function checkCertificates(variables: Variables): Promise<void> {
  const [ca, cert, key] = await Promise.all(
    ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].map((what) =>
      readPem(variables.ofExporter(what))
    ),
  );
  try {
    Deno.createHttpClient({ ...(ca && { caCerts: [ca] }), cert, key }).close();
  } catch (error) {
    throw new TraceSettingsError(
      `Cannot use the certificates that ${EXPORTER[1]}… names: ${errorText(error)}`,
    );
  }
}

async function readPem(file: Variable | undefined): Promise<string | undefined> {
  if (file === undefined) return;
  let text: string;
  try {
    text = new TextDecoder().decode(await readRegularFile(file.value, MAX_CERTIFICATE_BYTES));
  } catch (error) {
    throw new TraceSettingsError(
      `Cannot read the file "${file.value}" of ${file.name}: ${errorText(error)}`,
    );
  }
  if (!text.includes("-----BEGIN ")) throw wrong(file, "a file with a PEM block");
  return text;
}

function wrong({ name, value }: Variable, expected: string): TraceSettingsError {
  return new TraceSettingsError(`Cannot use "${value}" of ${name}: expected ${expected}`);
}
