/** Spans arrive at a collector, and their context in the messages, as the environment says. */
import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { connect } from "../helpers/nats_client.ts";
import { readTraceContext } from "../../lib/trace/tracing.ts";
import { eventually } from "../helpers/eventually.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  attributes: Record<string, unknown>;
  failed: boolean;
}

/** A small OTLP receiver: keeps the spans of JSON exports, and the text of all. */
function collector() {
  const spans: Span[] = [];
  const bodies: { type: string; text: string }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const text = await request.text();
    const type = request.headers.get("content-type") ?? "";
    bodies.push({ type, text });
    if (type !== "application/json") return new Response();
    const { resourceSpans = [] } = JSON.parse(text);
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans: received, scope } of scopeSpans) {
        if (scope?.name !== "heddle-scheduler") continue;
        for (const { attributes, status, ...span } of received) {
          spans.push({
            ...span,
            failed: status?.code === 2,
            attributes: Object.fromEntries(
              attributes.map((each: { key: string; value: Record<string, unknown> }) => [
                each.key,
                Object.values(each.value)[0],
              ]),
            ),
          });
        }
      }
    }
    return Response.json({});
  });
  return { spans, bodies, port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

const CONFIG = `name: traced
schedules:
  - { name: plain, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
  - { name: by_hand, cron: "0 4 * * *", dispatch_type: goal, goal: { instruction: x } }
  - name: own
    cron: "0 4 * * *"
    dispatch_type: message
    message: { subject: jobs.own, payload: { n: 1 } }
  - name: expanded
    cron: "0 4 * * *"
    dispatch_type: task
    task: { worker_type: w }
    expand_from: ./sessions.js#active
  - name: failing
    cron: "0 4 * * *"
    dispatch_type: task
    task: { worker_type: w }
    expand_from: ./sessions.js#none
`;

interface Carrying {
  _trace_context?: { traceparent: string; tracestate?: string };
}

const TRACING = { HEDDLE_SCHEDULER_TRACING: "true" };

async function traced(
  env: Record<string, string>,
  test: (site: {
    program: Program;
    spans: Span[];
    bodies: { type: string; text: string }[];
    request(data: unknown): Promise<void>;
    messages: { data: Carrying; traceparent: string; schedule: string }[];
  }) => Promise<void>,
) {
  await using receiver = collector();
  await using server = await startNatsServer();
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/schedules.yaml`, CONFIG);
  await Deno.writeTextFile(
    `${directory}/sessions.js`,
    "export const active = () => [{ n: 1 }, { n: 2 }];\n",
  );
  const client = await connect({ servers: server.url });
  const messages: { data: Carrying; traceparent: string; schedule: string }[] = [];
  const callback = (_: unknown, message: Msg) => {
    const data = message.json<Carrying & Record<string, unknown>>();
    holdToSchema(message.subject, data);
    const [traceparent, schedule] = ["traceparent", "Heddle-Schedule"]
      .map((name) => message.headers?.get(name) ?? "");
    messages.push({ data, traceparent: traceparent!, schedule: schedule! });
  };
  client.subscribe("heddle.*.incoming", { callback });
  client.subscribe("jobs.>", { callback });
  await client.flush();
  try {
    await using program = new Program(
      ["--config", `${directory}/schedules.yaml`, "--nats-url", server.url],
      {
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.port}`,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_BSP_SCHEDULE_DELAY: "200",
          ...env,
        },
      },
    );
    await program.logged("scheduler.running");
    const request = async (data: unknown) => {
      await client.request("heddle.scheduler.traced", JSON.stringify(data), { timeout: 20_000 });
    };
    const { spans, bodies } = receiver;
    await test({ program, spans, bodies, request, messages });
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  } finally {
    await client.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a firing and its publishing are spans of one trace, which its message carries", async () => {
  await traced(TRACING, async ({ spans, messages, program }) => {
    await eventually("spans arrive", () => spans.some(({ name }) => name === "firing plain"));
    const [{ data, traceparent }] = messages as [typeof messages[0]];
    assert.equal(data._trace_context!.traceparent, traceparent);
    const [, traceId, spanId] = /^00-(\w{32})-(\w{16})-01$/.exec(traceparent)!;
    const publish = spans.find((span) => span.spanId === spanId)!;
    assert.deepEqual([publish.name, publish.traceId, publish.kind], ["publish task", traceId, 4]);
    assert.equal(publish.attributes["messaging.system"], "nats");
    const firing = spans.find((span) => span.spanId === publish.parentSpanId)!;
    assert.deepEqual([firing.name, firing.traceId], ["firing plain", traceId]);
    assert.equal(firing.attributes["heddle.outcome"], "dispatched");
    const logged = program.log("scheduler.firing")[0]!.firing_id;
    assert.equal(firing.attributes["heddle.firing_id"], logged);
    assert.ok(!firing.parentSpanId);
    // Each firing has its own.
    await eventually("another comes", () => messages.length > 1);
    assert.notEqual(messages[1]!.traceparent.split("-")[1], traceId);
  });
});

Deno.test("an envelope carries the trace at its top, a message of one's own in its headers only", async () => {
  await traced({ ...TRACING, HEDDLE_SCHEDULER_WIRE: "envelope" }, async ({ messages, request }) => {
    await request({ action: "fire", entry: "own" });
    const of = (name: string) => messages.find(({ schedule }) => schedule === name);
    await eventually("both arrive", () => of("own") !== undefined && of("plain") !== undefined);
    const { data, traceparent } = of("plain")!;
    assert.match(traceparent, /^00-\w{32}-\w{16}-01$/);
    assert.equal(data._trace_context!.traceparent, traceparent);
    assert.ok("message_id" in data);
    assert.match(of("own")!.traceparent, /^00-\w{32}-\w{16}-01$/);
    assert.deepEqual(of("own")!.data, { n: 1 });
  });
});

Deno.test("an expansion is a span too, and what fails says of what", async () => {
  await traced(TRACING, async ({ spans, messages, request }) => {
    await request({ action: "fire", entry: "expanded" });
    await request({ action: "fire", entry: "failing" });
    const of = (name: string) => spans.find((span) => span.name === name);
    await eventually("they arrive", () => Boolean(of("firing failing") && of("firing expanded")));
    const { spanId } = of("firing expanded")!;
    const children = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
    assert.deepEqual(children.map(({ name }) => name).sort(), ["expansion", "publish task"]);
    const expansion = children.find(({ name }) => name === "expansion")!;
    assert.equal(Number(expansion.attributes["heddle.expansion.objects"]), 2);
    const publish = children.find(({ name }) => name === "publish task")!;
    const carrying = messages.filter(({ traceparent }) => traceparent.includes(publish.spanId));
    assert.equal(carrying.length, 2);
    const failing = of("firing failing")!;
    assert.equal(failing.failed, true);
    assert.equal(failing.attributes["heddle.outcome"], "failed");
  });
});

Deno.test("a request's context is continued", async () => {
  await traced(TRACING, async ({ spans, messages, request }) => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
    const _trace_context = { traceparent, tracestate: "rojo=1" };
    await request({ action: "fire", entry: "by_hand", _trace_context });
    await eventually("it arrives", () => spans.some(({ name }) => name === "firing by_hand"));
    const firing = spans.find(({ name }) => name === "firing by_hand")!;
    assert.deepEqual([firing.traceId, firing.parentSpanId], [traceId, "b7ad6b7169203331"]);
    const message = messages.find((each) => each.traceparent.includes(traceId))!;
    assert.equal(message.data._trace_context!.tracestate, "rojo=1");
  });
});

const carriesNothing = ({ data, traceparent }: { data: Carrying; traceparent: string }) =>
  traceparent === "" && !("_trace_context" in data);

for (
  const [why, env, events] of [
    ["without --tracing", {}, []],
    [
      "without --tracing, whatever the variables of OpenTelemetry say,",
      { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_CERTIFICATE: "/no/such" },
      [],
    ],
    ["with OTEL_SDK_DISABLED", { ...TRACING, OTEL_SDK_DISABLED: "True" }, ["tracing.disabled"]],
    [
      "by a protocol that is not spoken",
      { ...TRACING, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      ["tracing.unavailable"],
    ],
  ] as const
) {
  Deno.test(`${why} nothing is traced, and messages carry nothing`, async () => {
    await traced(env, async ({ bodies, messages, program }) => {
      await eventually("messages come", () => messages.length >= 3);
      assert.ok(messages.every(carriesNothing));
      program.kill("SIGTERM");
      await program.exit();
      assert.deepEqual(bodies, []);
      const told = program.log().map(({ event }) => event).filter((each) => /tracing/.test(each));
      assert.deepEqual(told, events);
    });
  });
}

Deno.test("protobuf is the default, with the names of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; what is left is exported at the end", async () => {
  await traced({
    ...TRACING,
    OTEL_EXPORTER_OTLP_PROTOCOL: "",
    OTEL_BSP_SCHEDULE_DELAY: "60000",
    OTEL_SERVICE_NAME: "nightly-jobs",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=staging",
  }, async ({ bodies, messages, program }) => {
    await eventually("messages come", () => messages.length >= 3);
    assert.equal(bodies.length, 0);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    const [{ type, text }] = bodies as [typeof bodies[0]];
    assert.equal(type, "application/x-protobuf");
    for (const part of ["firing plain", "nightly-jobs", "staging", "heddle.outcome"]) {
      assert.ok(text.includes(part), part);
    }
    assert.equal(text.match(/firing plain/g)?.length, program.log("scheduler.firing").length);
  });
});

Deno.test("what a sampler leaves out is not exported, and its messages say so", async () => {
  await traced({ ...TRACING, OTEL_TRACES_SAMPLER: "always_off" }, async (site) => {
    await eventually("messages come", () => site.messages.length >= 3);
    assert.ok(site.messages.every(({ traceparent }) => /^00-\w{32}-\w{16}-00$/.test(traceparent)));
    site.program.kill("SIGTERM");
    await site.program.exit();
    assert.deepEqual(site.bodies, []);
  });
});

for (
  const [answer, signals, code, lost] of [
    ["never answers", 1, 0, 1],
    ["never answers", 2, 143, 0],
  ] as const
) {
  Deno.test(`a collector that ${answer}: ${signals} SIGTERM end it with ${code}, in a second`, async () => {
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${silent.addr.port}`;
    await using program = new Program(["--bus", "memory", "--tracing"], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT, HEDDLE_SCHEDULER_CONFIG: await oftenFile() },
    });
    await program.logged("scheduler.task_dispatched", 3);
    const start = performance.now();
    program.kill("SIGTERM");
    await program.logged("actor.disconnected");
    if (signals > 1) program.kill("SIGTERM");
    assert.equal(await program.exit(), code);
    const took = performance.now() - start;
    assert.ok(signals > 1 ? took < 900 : took >= 900 && took < 3000, `it took ${took} ms`);
    const warnings = program.log("tracing.export_failed");
    assert.equal(warnings.length, lost);
    for (const { spans_lost } of warnings) assert.ok(Number(spans_lost) >= 6, String(spans_lost));
    assert.doesNotMatch(program.stderr.join("\n"), /^ +at /m);
  });
}

async function oftenFile(): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(path, CONFIG.replace(/ {2}- name[^]*/, ""));
  return path;
}

for (
  const [what, headers, data, expected] of [
    ["a header beats the field", { traceparent: of("1") }, { traceparent: of("2") }, of("1")],
    ["a field alone", {}, { traceparent: of("2") }, of("2")],
    ["none", {}, undefined, undefined],
    ["zeros are none", { traceparent: `00-${"0".repeat(32)}-${"1".repeat(16)}-01` }, {}, undefined],
    ["rubbish is none", { traceparent: "rubbish" }, { traceparent: 5 }, undefined],
    ["a list is none", {}, [of("1")], undefined],
  ] as const
) {
  Deno.test(`incoming context: ${what}`, () => {
    const context = readTraceContext({ headers, data: { _trace_context: data } });
    assert.equal(context?.traceparent, expected);
  });
}

function of(digit: string): string {
  return `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
}
