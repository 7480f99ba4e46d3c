/** How spans are exported: by what settings, and what is told of those that are lost. */
import assert from "node:assert/strict";
import { Losses } from "../../lib/trace/losses.ts";
import { openTelemetry } from "../../lib/trace/open_telemetry.ts";
import { readTraceSettings, type TraceSettings } from "../../lib/trace/trace_settings.ts";
import { eventually } from "../helpers/eventually.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

const OTLP = "OTEL_EXPORTER_OTLP_";

async function settingsOf(env: Record<string, string>) {
  const ignored: string[] = [];
  const settings = await readTraceSettings({
    get: (name) => env[name],
    onIgnored: (variable) => ignored.push(variable),
  });
  return { settings, ignored };
}

const DEFAULTS = {
  protocol: "http/protobuf",
  url: "http://localhost:4318/v1/traces",
  timeoutMillis: undefined,
  batch: {
    scheduledDelayMillis: undefined,
    maxQueueSize: 2048,
    maxExportBatchSize: 512,
    exportTimeoutMillis: undefined,
  },
  sampler: "parentbased_always_on",
  ratio: 1,
};

for (
  const [what, env, expected, ignored = []] of [
    ["nothing", {}, {}],
    ["empty variables", { [`${OTLP}PROTOCOL`]: "", [`${OTLP}ENDPOINT`]: " " }, {}],
    ["a protocol", { [`${OTLP}PROTOCOL`]: "http/json" }, { protocol: "http/json" }],
    [
      "one for traces, which comes first",
      { [`${OTLP}PROTOCOL`]: "grpc", [`${OTLP}TRACES_PROTOCOL`]: "http/json" },
      { protocol: "http/json" },
    ],
    [
      "an endpoint, with a path",
      { [`${OTLP}ENDPOINT`]: " https://c.example:4318/otlp/ " },
      { url: "https://c.example:4318/otlp/v1/traces" },
    ],
    [
      "one for traces, taken as it is",
      { [`${OTLP}ENDPOINT`]: "nonsense", [`${OTLP}TRACES_ENDPOINT`]: "http://c:1/all" },
      { url: "http://c:1/all" },
    ],
    [
      "batches",
      {
        OTEL_BSP_SCHEDULE_DELAY: "0",
        OTEL_BSP_MAX_QUEUE_SIZE: "100",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
        OTEL_BSP_EXPORT_TIMEOUT: "7",
      },
      {
        batch: {
          scheduledDelayMillis: 0,
          maxQueueSize: 100,
          maxExportBatchSize: 10,
          exportTimeoutMillis: 7,
        },
      },
    ],
    [
      "numbers that are none",
      {
        OTEL_BSP_SCHEDULE_DELAY: "5s",
        OTEL_BSP_MAX_QUEUE_SIZE: "0",
        OTEL_BSP_EXPORT_TIMEOUT: "3000000000",
        [`${OTLP}TIMEOUT`]: "-1",
        OTEL_TRACES_SAMPLER_ARG: "2",
      },
      {},
      [
        `${OTLP}TIMEOUT`,
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_TRACES_SAMPLER_ARG",
      ],
    ],
    [
      "time-outs",
      { [`${OTLP}TIMEOUT`]: "1000", [`${OTLP}TRACES_TIMEOUT`]: "500" },
      { timeoutMillis: 500 },
    ],
    [
      "a sampler and its ratio",
      { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" },
      { sampler: "traceidratio", ratio: 0.25 },
    ],
    [
      "a sampler and a compression that nobody knows",
      { OTEL_TRACES_SAMPLER: "xray", [`${OTLP}COMPRESSION`]: "zstd" },
      {},
      [`${OTLP}COMPRESSION`, "OTEL_TRACES_SAMPLER"],
    ],
  ] as [string, Record<string, string>, Partial<TraceSettings>, string[]?][]
) {
  Deno.test(`the environment says: ${what}`, async () => {
    const { settings, ignored: told } = await settingsOf(env);
    assert.deepEqual(settings, { ...DEFAULTS, ...expected });
    assert.deepEqual(told, ignored);
  });
}

for (
  const [env, message] of [
    [
      { [`${OTLP}PROTOCOL`]: "grpc" },
      /^Cannot use "grpc" of OTEL_EXPORTER_OTLP_PROTOCOL: expected http\/protobuf or http\/json$/,
    ],
    [{ [`${OTLP}TRACES_PROTOCOL`]: "http" }, /"http" of OTEL_EXPORTER_OTLP_TRACES_PROTOCOL/],
    [{ [`${OTLP}ENDPOINT`]: "collector:4317" }, /"collector:4317" .*: expected a URL such as http/],
    [{ [`${OTLP}ENDPOINT`]: "http://c:99999" }, /"http:\/\/c:99999" of OTEL_EXPORTER_OTLP_ENDP/],
    [
      { [`${OTLP}CERTIFICATE`]: "/no/such" },
      /"\/no\/such" of OTEL_EXPORTER_OTLP_CERTIFICATE: No s/,
    ],
    [{ [`${OTLP}CERTIFICATE`]: "/dev/zero" }, /OTEL_EXPORTER_OTLP_CERTIFICATE: This is a device/],
    [
      { [`${OTLP}TRACES_CERTIFICATE`]: "deno.json" },
      /TRACES_CERTIFICATE: expected a file with a PEM/,
    ],
    [{ [`${OTLP}CLIENT_KEY`]: "/no/such" }, /"\/no\/such" of OTEL_EXPORTER_OTLP_CLIENT_KEY: No s/],
  ] as [Record<string, string>, RegExp][]
) {
  const [variable] = Object.entries(env);
  Deno.test(`${variable!.join("=")} is an error that says what is wanted`, async () => {
    await assert.rejects(settingsOf(env), { name: "TraceSettingsError", message });
  });
}

Deno.test("certificates that cannot be used are an error", async () => {
  const pem = (what: string) => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, pem("CERTIFICATE"));
    for (const what of ["CERTIFICATE", "CLIENT_CERTIFICATE"]) {
      await assert.rejects(settingsOf({ [`${OTLP}${what}`]: file }), {
        message: /^Cannot use the certificates that OTEL_EXPORTER_OTLP_… names: /,
      });
    }
  } finally {
    await Deno.remove(file);
  }
});

const tested = (logger: LogRecorder) =>
  logger.lines.map(({ level, event, fields: { spans_lost } }) => [level, event, spans_lost]);

Deno.test("an outage is one warning, and one line with the number of all that were lost", () => {
  const logger = new LogRecorder();
  const losses = new Losses(logger, "http://c/v1/traces");
  losses.exported();
  losses.lost(5, "refused");
  for (let each = 0; each < 100; each++) losses.lost(10, "refused");
  losses.exported();
  losses.exported();
  losses.exported();
  assert.deepEqual(tested(logger), [
    ["warning", "tracing.export_failed", 5],
    ["info", "tracing.spans_lost", 1005],
  ]);
  assert.deepEqual(logger.lines[0]!.fields, {
    endpoint: "http://c/v1/traces",
    error: "refused",
    spans_lost: 5,
  });
  losses.lost(7, "refused");
  losses.end();
  assert.deepEqual(tested(logger).slice(2), [["warning", "tracing.export_failed", 7]]);
});

Deno.test("a collector that fails every other time is one outage", () => {
  const logger = new LogRecorder();
  const losses = new Losses(logger, "http://c/v1/traces");
  for (let each = 0; each < 10; each++) {
    losses.lost(1, "busy");
    losses.exported();
  }
  losses.end();
  assert.deepEqual(tested(logger), [
    ["warning", "tracing.export_failed", 1],
    ["info", "tracing.spans_lost", 10],
  ]);
});

/** Traces `count` spans to a collector that answers `status`, and stops. */
async function exported(
  { status, count, env }: { status: number; count: number; env: Record<string, string> },
) {
  let spans = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    spans += (await request.text()).match(/"traceId"/g)?.length ?? 0;
    return new Response("first line\nsecond line", { status });
  });
  const logger = new LogRecorder();
  try {
    const { settings } = await settingsOf({
      [`${OTLP}ENDPOINT`]: `http://127.0.0.1:${server.addr.port}`,
      [`${OTLP}PROTOCOL`]: "http/json",
      ...env,
    });
    const tracing = await openTelemetry(settings!, { version: "1", logger });
    for (let each = 0; each < count; each++) tracing.start("work", { attributes: {} }).end();
    await tracing.stop();
  } finally {
    await server.shutdown();
  }
  return { spans: () => spans, logger };
}

Deno.test("a collector that refuses is told in one line, with its status", async () => {
  const { logger } = await exported({ status: 401, count: 3, env: {} });
  const [{ fields, ...line }, ...others] = logger.lines as [typeof logger.lines[0]];
  assert.deepEqual([line.event, fields.error, fields.spans_lost], [
    "tracing.export_failed",
    "HTTP status 401: Unauthorized",
    3,
  ]);
  assert.deepEqual(others, []);
});

Deno.test("spans that find no room to wait are counted as lost, and the others exported", async () => {
  const { spans, logger } = await exported({
    status: 200,
    count: 10,
    env: { OTEL_BSP_MAX_QUEUE_SIZE: "4", OTEL_BSP_SCHEDULE_DELAY: "60000" },
  });
  // Four are being exported, four wait.
  await eventually("the others arrive", () => spans() === 8);
  assert.deepEqual(tested(logger), [
    ["warning", "tracing.export_failed", 1],
    ["info", "tracing.spans_lost", 2],
  ]);
  assert.match(String(logger.lines[0]!.fields.error), /OTEL_BSP_MAX_QUEUE_SIZE/);
});
