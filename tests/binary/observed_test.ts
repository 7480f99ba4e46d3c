/** The executable, seen from outside while it runs. */
import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { everywhere, HERE } from "./places.ts";

const CONFIG = `name: seen
schedules:
  - { name: often, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
  - { name: daily, cron: "0 4 * * *", dispatch_type: goal, goal: { instruction: x } }
`;

everywhere("health, metrics, the page and what it asks for", async (place) => {
  await place.withFiles({ "s.yaml": CONFIG }, async (site) => {
    const at = ["--config", site.path("s.yaml"), "--bus", "memory", "--http", "0"];
    await using program = site.start([...at, "--http-control"]);
    const url = String((await program.logged("http.listening")).url);
    const { port } = new URL(url);
    await program.logged("scheduler.task_dispatched", 2);
    assert.equal((await site.run(["health", "--ready", "--http", port])).code, 0);
    await eventually("it is counted", async () => {
      const text = await (await fetch(`${url}metrics`)).text();
      return /firings_total\{schedule="often",.*\} [2-9]/.test(text);
    });
    assert.match(await (await fetch(url)).text(), /^<!DOCTYPE html>/);
    const fired = await fetch(`${url}control`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-heddle-control": "1" },
      body: '{"action":"fire","entry":"daily"}',
    });
    assert.equal((await fired.json()).dispatches, 1);
    await program.logged("scheduler.goal_dispatched");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    assert.equal((await site.run(["health", "--http", port])).code, 1);
  });
});

Deno.test("with --tracing it traces; without, not even its messages know", async () => {
  const received: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    received.push(await request.text());
    return Response.json({});
  });
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "200",
  };
  try {
    await HERE.withFiles({ "s.yaml": CONFIG }, async (site) => {
      const at = ["--config", site.path("s.yaml"), "--bus", "memory"];
      {
        await using silent = site.start(at, { env });
        await silent.logged("scheduler.task_dispatched", 3);
        await new Promise((resolve) => setTimeout(resolve, 500));
        assert.doesNotMatch(silent.stdout.join(), /traceparent/);
      }
      assert.deepEqual(received, []);
      await using traced = site.start([...at, "--tracing"], { env });
      await traced.logged("scheduler.task_dispatched");
      await eventually("a span arrives", () => received.some((text) => /firing often/.test(text)));
      assert.match(traced.stdout.join(), /"_trace_context":\{"traceparent":"00-/);
    });
  } finally {
    await server.shutdown();
  }
});

everywhere(
  "a collector that never answers holds the stop for a second, and a second signal ends it",
  async (place) => {
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${silent.addr.port}` };
    await place.withFiles({ "s.yaml": CONFIG }, async (site) => {
      const stop = async (args: string[], { isTwice = false } = {}) => {
        // As PID 1, which has no signal's default action.
        const by = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
        const all = ["--config", site.path("s.yaml"), "--bus", "memory", ...args];
        await using program = site.start(all, { env, by });
        await program.logged("scheduler.task_dispatched", 2);
        const url = program.log("http.listening")[0]?.url;
        if (url !== undefined) await (await fetch(`${url}healthz`)).text();
        const [child] = childrenOf(program.pid);
        const start = performance.now();
        Deno.kill(child!, "SIGTERM");
        await program.logged("actor.disconnected");
        if (isTwice) Deno.kill(child!, "SIGTERM");
        const code = await program.exit();
        const lost = program.log("tracing.export_failed").length;
        return { code, lost, took: performance.now() - start };
      };
      const asked = await stop(["--tracing"]);
      assert.deepEqual([asked.code, asked.lost], [0, 1]);
      assert.ok(asked.took < 3000, `it took ${asked.took} ms`);
      const twice = await stop(["--tracing"], { isTwice: true });
      assert.deepEqual([twice.code, twice.lost], [143, 0]);
      const unasked = await stop(["--http", "0"]);
      assert.deepEqual([unasked.code, unasked.lost], [0, 0]);
      assert.ok(unasked.took < 900, `it took ${unasked.took} ms`);
    });
  },
);

everywhere("without --tracing no variable of OpenTelemetry has an effect", async (place) => {
  await place.withFiles({ "s.yaml": CONFIG }, async (site) => {
    for (
      const env of [
        { OTEL_DENO: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
        { OTEL_EXPORTER_OTLP_PROTOCOL: "http", OTEL_EXPORTER_OTLP_CERTIFICATE: "/no/such" },
      ] as Record<string, string>[]
    ) {
      const version = await site.run(["--version"], { env });
      assert.deepEqual([version.code, version.stderr], [0, ""]);
      const valid = await site.run(["validate", site.path("s.yaml")], { env });
      assert.deepEqual([valid.code, valid.stderr], [0, ""]);
    }
  });
});

everywhere(
  "a protocol that is not spoken is one line, and it runs without traces",
  async (place) => {
    await place.withFiles({ "s.yaml": CONFIG }, async (site) => {
      await using program = site.start(
        ["--config", site.path("s.yaml"), "--bus", "memory", "--tracing"],
        { env: { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" } },
      );
      await program.logged("scheduler.task_dispatched");
      const warnings = program.log().filter(({ level }) => level !== "info");
      assert.deepEqual(warnings.map(({ event }) => event), ["tracing.unavailable"]);
      assert.doesNotMatch(program.stdout.join(), /traceparent/);
    });
  },
);

Deno.test("health asks no proxy", async () => {
  const proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("alive\n"),
  );
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.addr.port}` };
  try {
    await HERE.withFiles({ "s.yaml": CONFIG }, async (site) => {
      assert.equal((await site.run(["health", "--http", "1"], { env })).code, 1);
      const at = ["--config", site.path("s.yaml"), "--bus", "memory", "--http", "0"];
      await using program = site.start(at);
      const { port } = new URL(String((await program.logged("http.listening")).url));
      const refusing = { HTTP_PROXY: "http://127.0.0.1:1" };
      assert.equal((await site.run(["health", "--http", port], { env: refusing })).code, 0);
    });
  } finally {
    await proxy.shutdown();
  }
});

const childrenOf = (pid: number) =>
  Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").map(Number);
