/** What `--http` answers, to whom. */
import assert from "node:assert/strict";
import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import { HttpServer } from "../../lib/http/http_server.ts";
import { Job } from "../../lib/engine/job.ts";
import { SchedulerActor, type SchedulerActorOptions } from "../../lib/scheduler/scheduler_actor.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { eventually } from "../helpers/eventually.ts";
import { events, served } from "./site.ts";

const TOKEN = "a-token-of-enough-letters";
const CONTROL = {
  "content-type": "application/json",
  "x-heddle-control": "1",
};
/** Of a body that is not whole. */
const HEAD = "Host: localhost\r\nContent-Type: application/json\r\nX-Heddle-Control: 1\r\n" +
  "Content-Length: 1000\r\n\r\n{";

const write = (conn: Deno.TcpConn, text: string) =>
  conn.write(new TextEncoder().encode(text)).catch(() => 0);

Deno.test("healthz, readyz and health say that it is well", async () => {
  await served([], async ({ program, port, get }) => {
    await program.logged("scheduler.running");
    assert.deepEqual([(await get("/healthz")).status, (await get("/healthz")).body], [
      200,
      "alive\n",
    ]);
    await eventually("it is ready", async () => (await get("/readyz")).status === 200);
    const { code, stdout } = await runProgram(["health", "--ready", "--http", String(port)]);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).ready, true);
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { code, stderr } = await runProgram(["health", "--http", String(port)]);
  assert.equal(code, 1);
  assert.equal(
    stderr,
    `No scheduler answers at http://127.0.0.1:${port}/healthz: ` +
      "nothing listens there; a scheduler does with --http, once it has started",
  );
});

Deno.test("health asks no proxy, and takes no other server's answer for a scheduler's", async () => {
  let asked = 0;
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    asked++;
    return new Response("ok");
  });
  const of = (port: number) => `http://127.0.0.1:${port}`;
  const health = async (address: string, proxy: number, more: string[] = []) => {
    const env = Object.fromEntries(
      ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map((name) => [name, of(proxy)]),
    );
    return await runProgram(["health", "--http", address, ...more], { env });
  };
  try {
    await served([], async ({ program, port, get }) => {
      await program.logged("scheduler.running");
      await eventually("it is ready", async () => (await get("/readyz")).status === 200);
      for (const address of [`${port}`, `localhost:${port}`, `0.0.0.0:${port}`]) {
        const { code, stdout } = await health(address, other.addr.port);
        assert.deepEqual([code, stdout], [0, "alive"], address);
      }
      // Nothing listens at this proxy.
      assert.equal((await health(`${port}`, 1, ["--ready"])).code, 0);
    });
    assert.equal((await health("1", other.addr.port)).code, 1);
    assert.equal(asked, 0);
    const { code, stdout, stderr } = await health(`${other.addr.port}`, 1);
    assert.deepEqual([code, stdout, stderr], [
      1,
      "",
      `The answer from ${of(other.addr.port)}/healthz is no scheduler's: HTTP status 200, "ok"`,
    ]);
    assert.equal((await health(`${other.addr.port}`, 1, ["--ready"])).code, 1);
  } finally {
    await other.shutdown();
  }
});

Deno.test("it is not ready without its server, and stays ready after a reload that was refused", async () => {
  await using server = await startNatsServer();
  await served(["--nats-url", server.url], async ({ get, path, program }) => {
    await program.logged("scheduler.running");
    const isReady = async () => JSON.parse((await get("/readyz")).body);
    await eventually("it is ready", async () => (await isReady()).ready);
    await Deno.writeTextFile(path, "name: served\nschedules: 5\n");
    program.kill("SIGHUP");
    await program.logged("actor.reload_failed");
    const refused = /config_last_reload_successful 0\n/;
    await eventually("it is told", async () => refused.test((await get("/metrics")).body));
    assert.equal((await get("/readyz")).status, 200); // what was there before still fires
    await Deno.writeTextFile(path, "name: served\nschedules: []\n");
    program.kill("SIGHUP");
    await program.logged("scheduler.config_reloaded");
    await Deno.remove(path);
    program.kill("SIGHUP");
    await eventually(
      "the file is gone",
      async () => /config_reloads_total.*failed.* 2\n/.test((await get("/metrics")).body),
    );
    assert.equal((await get("/readyz")).status, 200);
    await server.kill();
    await eventually("the server is gone", async () => !(await isReady()).connected);
    assert.equal((await get("/healthz")).status, 200);
  });
});

Deno.test("it listens before the server is there, and is alive but not ready", async () => {
  const args = ["--nats-url", "nats://127.0.0.1:1", "--skip-preflight"];
  await served(args, async ({ get }) => {
    assert.equal((await get("/healthz")).status, 200);
    const { status, body } = await get("/readyz");
    assert.equal(status, 503);
    assert.equal(JSON.parse(body).connected, false);
  });
});

async function inThisProcess(options: SchedulerActorOptions & { path?: string } = {}) {
  const { path = "schedules.yaml", ...rest } = options;
  const logger = new LogRecorder();
  const bus = new MemoryBus();
  const scheduler = new SchedulerActor("test", path, { bus, logger, ...rest });
  await scheduler.load();
  const settings = {
    hostname: "127.0.0.1",
    port: 0,
    token: null,
    allowsControl: false,
    version: "0.0.0",
  };
  const server = new HttpServer({ scheduler, settings, clock: systemClock, logger });
  return { server, scheduler, logger };
}

Deno.test("while the clock is not set it is alive, not ready, and says why", async () => {
  const clockSetAfter = new Date(Date.now() + 3_600_000);
  const { server, scheduler } = await inThisProcess({ clockSetAfter });
  await using _ = server;
  const stop = new AbortController();
  const running = scheduler.run({
    signal: stop.signal,
    handleSignals: false,
  });
  const at = `http://127.0.0.1:${await server.open()}`;
  const ready = async () => {
    const response = await fetch(`${at}/readyz`);
    return { status: response.status, ...await response.json() };
  };
  await eventually("it says why", async () => "waiting_for" in await ready());
  const { status, waiting_for, running: isRunning, connected } = await ready();
  assert.deepEqual([status, isRunning, connected], [503, false, true]);
  assert.match(waiting_for, /^The clock of this machine is not set: it shows .* the earliest/);
  assert.equal(await (await fetch(`${at}/healthz`)).text(), "alive\n");
  stop.abort();
  await running;
});

/** Has it that a job has just dispatched one message. */
function dispatched({ history }: SchedulerActor, job: Job): void {
  const at = Date.now();
  const rest = { at, lateness: 1, dispatches: 1, expansion: null, error: null, next: null };
  history.add(job, {
    entry: job.name,
    outcome: "dispatched",
    scheduledFor: at,
    passedOverSince: null,
    occurrences: 1,
    ...rest,
  });
}

Deno.test("what fires while the entries are being told is counted all the same", async () => {
  const { server, scheduler } = await inThisProcess();
  await using _ = server;
  const opening = server.open();
  dispatched(scheduler, new Job(scheduler.config!.entries[0]!));
  const port = await opening;
  await eventually("it is counted", async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return text.includes(
      'firings_total{schedule="heartbeat",dispatch_type="task",outcome="dispatched"} 1\n',
    );
  });
});

Deno.test("any number of entries may fire in one moment, and each is counted", async () => {
  const names = Array.from({ length: 1700 }, (_, n) => `entry-${n}`);
  const path = await Deno.makeTempFile({ suffix: ".yaml" });
  const entries = names.map((name) =>
    `  - { name: ${name}, cron: "0 0 1 1 *", dispatch_type: task, task: { worker_type: w } }\n`
  );
  await Deno.writeTextFile(path, `name: many\nschedules:\n${entries.join("")}`);
  const { server, scheduler } = await inThisProcess({ path });
  await using _ = server;
  const port = await server.open();
  const text = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await eventually("the entries are told", async () => /entry-1699/.test(await text()));
  const jobs = scheduler.config!.entries.map((entry) => new Job(entry));
  for (const job of jobs) dispatched(scheduler, job);
  for (const job of jobs.slice(0, 10)) dispatched(scheduler, job);
  const counts = async () =>
    Array.from(
      (await text()).matchAll(/_firings_total\{.*\} (\d+)/g),
      ([, count]) => Number(count),
    );
  await eventually("all are counted", async () => (await counts()).length === names.length);
  assert.equal((await counts()).reduce((a, b) => a + b), names.length + 10);
  assert.match(await text(), /firing_lateness_seconds_count 1710\n/);
  await Deno.remove(path);
});

Deno.test("a thread that is started again knows all that was counted before", async () => {
  const { Worker } = globalThis;
  let worker: Worker | null = null;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      worker = this;
    }
  };
  const { server, scheduler, logger } = await inThisProcess();
  await using _ = server;
  const stop = new AbortController();
  const running = scheduler.run({
    signal: stop.signal,
    handleSignals: false,
  });
  try {
    await eventually("it runs", () => scheduler.engine?.job("nightly_reindex") !== undefined);
    const port = await server.open();
    dispatched(scheduler, scheduler.engine!.job("nightly_reindex")!);
    const isCounted = async () => {
      const answered = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
      const text = await answered?.text() ?? "";
      return /firings_total\{schedule="nightly_reindex",.*\} 1\n/.test(text) &&
        /firing_lateness_seconds_count [1-9]/.test(text);
    };
    await eventually("it is counted", isCounted);
    (worker as Worker | null)!.onerror!(new ErrorEvent("error", { message: "boom" }));
    await eventually("it has failed", () => logger.of("http.failed").length === 1);
    await eventually("it is counted again", isCounted);
  } finally {
    globalThis.Worker = Worker;
    stop.abort();
    await running;
  }
});

Deno.test("a thread that fails is started again, on the same port", async () => {
  const { Worker } = globalThis;
  const workers: Worker[] = [];
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  };
  try {
    const { server, logger } = await inThisProcess();
    await using _ = server;
    const port = await server.open();
    const fail = (which: number) =>
      workers[which]!.onerror!(new ErrorEvent("error", { message: "boom", cancelable: true }));
    fail(0);
    await eventually("there is another", () => workers.length === 2);
    fail(1); // before it listens
    await eventually("there is a third", () => workers.length === 3);
    const errors = logger.of("http.failed").map(({ fields }) => fields.error);
    assert.deepEqual(errors, ["boom", "boom"]);
    await eventually("it answers", async () => {
      const answered = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
      return /entries\{state="disabled"\} 1/.test(await answered?.text() ?? "");
    });
  } finally {
    globalThis.Worker = Worker;
  }
});

Deno.test("a scheduler whose thread stands still is not alive", async () => {
  const { server } = await inThisProcess();
  await using _ = server;
  const port = await server.open();
  assert.equal((await runProgram(["health", "--http", String(port)])).code, 0);
  await using probe = new Program(["health", "--http", String(port)]);
  await new Promise((resolve) => setTimeout(resolve, 1)); // it is started, and then:
  for (const began = performance.now(); performance.now() - began < 4000;);
  assert.equal(await probe.exit(), 1);
  assert.deepEqual(probe.stdout, ["The scheduler's thread does not answer"]);
});

for (
  const [what, ...pieces] of [
    ["say nothing"],
    ["send a head piece by piece", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "x"],
    ["send a body piece by piece", `POST /control HTTP/1.1\r\n${HEAD}`, "x"],
    ["have been answered and stay", "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
  ] as const
) {
  Deno.test(`probes are answered at once, whatever number of connections ${what}`, async () => {
    await served(["--http-control"], async ({ port, get }) => {
      await eventually("it is ready", async () => (await get("/readyz")).status === 200);
      const [first = "", more = ""] = pieces;
      const conns: Deno.TcpConn[] = [];
      for (let n = 0; n < 300; n++) {
        const conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await write(conn, first);
        conns.push(conn);
      }
      const dripping = setInterval(() => conns.forEach((conn) => void write(conn, more)), 500);
      for (const path of ["/healthz", "/readyz", "/metrics"]) {
        const began = performance.now();
        assert.equal((await get(path)).status, 200, path);
        const took = performance.now() - began;
        assert.ok(took < 2000, `${path} took ${took} ms`);
      }
      clearInterval(dripping);
      for (const conn of conns) conn.close();
    });
  });
}

Deno.test("whoever is being answered is not closed to make room", async () => {
  await served([], async ({ port, url, program }) => {
    await program.logged("scheduler.running");
    const closing = new AbortController();
    const stream = events(url, closing.signal);
    await stream.next();
    const conns: Deno.TcpConn[] = [];
    for (let n = 0; n < 600; n++) {
      conns.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
    for (let n = 0; n < 3; n++) assert.equal((await stream.next()).done, false);
    closing.abort();
    for (const conn of conns) conn.close();
  });
});

Deno.test("metrics count what happened, entry by entry", async () => {
  await served([], async ({ get, program }) => {
    await program.logged("scheduler.task_dispatched", 5);
    await eventually("five are counted", async () => {
      const { body } = await get("/metrics");
      const [, count] =
        /firings_total\{schedule="often",dispatch_type="task",outcome="dispatched"\} (\d+)/
          .exec(body) ?? [];
      return Number(count) >= 5;
    });
    const { body } = await get("/metrics");
    assert.match(body, /heddle_scheduler_entries\{state="active"\} 2\n/);
    assert.match(body, /heddle_scheduler_entries\{state="disabled"\} 1\n/);
    assert.match(body, /firing_lateness_seconds_bucket\{le="\+Inf"\} \d+\n/);
    assert.match(body, /next_firing_timestamp_seconds\{schedule="daily"\} \d+\n/);
    assert.match(body, /heddle_scheduler_bus_connected 1\n/);
    assert.match(body, /zone_data_info\{source="[^"]+",version="20\d\d[a-z]+"\} 1\n/);
    assert.match(body, /build_info\{version="\d[^"]*",deno_version="\d[^"]*"\} 1\n/);
  });
});

Deno.test("a reload keeps the counts of what stays, and forgets what goes", async () => {
  await served(["--watch-config"], async ({ get, path, program }) => {
    await program.logged("scheduler.task_dispatched", 3);
    const text = await Deno.readTextFile(path);
    const count = async () => {
      const { body } = await get("/metrics");
      return Number(/firings_total\{schedule="often"[^}]*\} (\d+)/.exec(body)?.[1] ?? 0);
    };
    await eventually("it is counted", async () => await count() >= 3);
    const before = await count();
    await Deno.writeTextFile(path, text.replace("name: daily", "name: weekly"));
    await program.logged("actor.reload_completed");
    await eventually("the new one is there", async () => {
      return /schedule="weekly"/.test((await get("/metrics")).body);
    });
    assert.doesNotMatch((await get("/metrics")).body, /schedule="daily"/);
    assert.ok(await count() >= before);
    // None is lost on the way.
    const dispatched = program.log("scheduler.task_dispatched").length;
    await eventually("all are counted", async () => await count() >= dispatched);
  });
});

Deno.test("a page's stream begins with all, then tells what changes", async () => {
  await served([], async ({ url }) => {
    const closing = new AbortController();
    const seen = [];
    for await (const event of events(url, closing.signal)) {
      seen.push(event);
      if (seen.length === 3) closing.abort();
    }
    const [first, , third] = seen;
    assert.equal(first.summary.entry_count, 3);
    assert.equal(first.summary.past.length, 96);
    assert.deepEqual(third.rows.map(({ name }: { name: string }) => name), ["often"]);
    assert.ok(third.rows[0].fired > 5);
  });
});

Deno.test("with a token all but the two health paths ask for it", async () => {
  await served([], async ({ get, send }) => {
    assert.equal((await get("/healthz")).status, 200);
    assert.notEqual((await get("/readyz")).status, 401);
    for (const path of ["/", "/metrics", "/events", "/nowhere"]) {
      const refused = await get(path);
      assert.equal(refused.status, 401, path);
      assert.match(String(refused.headers["www-authenticate"]), /^Basic /);
    }
    assert.equal((await send("POST", "/control", { headers: CONTROL, body: "{}" })).status, 401);
    const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` });
    for (
      const wrong of [
        { authorization: "Bearer no" },
        { authorization: `Bearer ${TOKEN}x` },
        { authorization: TOKEN },
        { authorization: "Bearer" },
        { authorization: "Basic %%%" },
        basic(TOKEN),
        basic(`${TOKEN}:`),
      ]
    ) {
      assert.equal((await get("/metrics", wrong)).status, 401, JSON.stringify(wrong));
    }
    assert.equal((await get("/metrics", { authorization: `Bearer ${TOKEN}` })).status, 200);
    assert.equal((await get("/", basic(`anybody:${TOKEN}`))).status, 200);
  }, { token: TOKEN });
});

Deno.test("without --http-control nothing can be changed", async () => {
  await served([], async ({ send, program }) => {
    const body = '{"action":"fire","entry":"daily"}';
    const { status, body: text } = await send("POST", "/control", { headers: CONTROL, body });
    assert.equal(status, 403);
    assert.match(text, /read-only: start with --http-control/);
    assert.deepEqual(program.log("scheduler.goal_dispatched"), []);
  });
});

Deno.test("with it, only what the page itself asks for is done", async () => {
  await served(["--http-control"], async ({ send, program, port }) => {
    await program.logged("scheduler.running");
    const body = '{"action":"fire","entry":"daily"}';
    const own = { ...CONTROL, host: `127.0.0.1:${port}` };
    const REFUSED: [Record<string, string>, string, number][] = [
      [{ ...own, origin: "https://evil.example" }, body, 403],
      [{ ...own, origin: "null" }, body, 403],
      [{ ...own, origin: `http://127.0.0.1:${port + 1}` }, body, 403],
      [{ ...own, "sec-fetch-site": "cross-site" }, body, 403],
      [{ ...own, "sec-fetch-site": "same-site" }, body, 403],
      [{ ...own, "sec-fetch-site": "none" }, body, 403],
      [{ "content-type": "application/json", host: own.host }, body, 403],
      // A name that leads here, though it is another site's.
      [{ ...own, host: "evil.example", origin: "http://evil.example" }, body, 421],
      [{ ...own, "content-type": "text/plain" }, body, 415],
      [{ ...own, "content-type": "application/x-www-form-urlencoded" }, body, 415],
      [own, "{", 400],
      [own, "[]", 400],
      [own, `{"action":"fire","entry":${"[".repeat(500)}${"]".repeat(500)}}`, 400],
      [own, "", 400],
      [own, JSON.stringify({ action: "fire", entry: "x".repeat(20_000) }), 413],
      [own, '{"action":"reload"}', 403],
      [own, '{"action":"fire","entry":"dayly"}', 409],
      [own, '{"action":"fire"}', 409],
    ];
    for (const [headers, text, expected] of REFUSED) {
      const { status } = await send("POST", "/control", { headers, body: text });
      assert.equal(status, expected, `${JSON.stringify(headers)} ${text.slice(0, 80)}`);
    }
    assert.deepEqual(program.log("scheduler.goal_dispatched"), []);
    const origin = `http://127.0.0.1:${port}`;
    const headers = { ...own, origin, "sec-fetch-site": "same-origin" };
    const done = await send("POST", "/control", { headers, body });
    assert.deepEqual([done.status, JSON.parse(done.body).dispatches], [200, 1]);
    await program.logged("scheduler.goal_dispatched");
    assert.equal(program.log("scheduler.goal_dispatched").length, 1);
  });
});

const SLOW = `name: served
schedules:
  - name: slow
    cron: "0 4 * * *"
    expand_from: ./slow.js#list
    dispatch_type: task
    task: { worker_type: w }
`;
const SLOW_LIST = `export const list = async () => {
  await new Promise((resolve) => setTimeout(resolve, 700));
  return [{}];
};`;

Deno.test("what a page fires has ended before it is fired again", async () => {
  await served(["--http-control"], async ({ send, program, directory, port }) => {
    await Deno.writeTextFile(`${directory}/slow.js`, SLOW_LIST);
    await program.logged("scheduler.running");
    const headers = { ...CONTROL, host: `127.0.0.1:${port}` };
    const fire = async () => {
      const body = '{"action":"fire","entry":"slow"}';
      return JSON.parse((await send("POST", "/control", { headers, body })).body);
    };
    const replies = await Promise.all([fire(), fire(), fire()]);
    const codes = replies.map(({ status, code }) => code ?? status).sort();
    assert.deepEqual(codes, ["busy", "busy", "ok"]);
    assert.equal((await fire()).status, "ok");
    await program.logged("scheduler.task_dispatched", 2);
    assert.equal(program.log("scheduler.task_dispatched").length, 2);
  }, { config: SLOW });
});

Deno.test("a page fires nothing while the scheduler has no connection, and nothing later", async () => {
  await using server = await startNatsServer();
  const args = ["--http-control", "--nats-url", server.url];
  await served(args, async ({ send, program, port }) => {
    await program.logged("scheduler.running");
    await server.kill();
    await program.logged("bus.disconnected");
    const headers = { ...CONTROL, host: `127.0.0.1:${port}` };
    const body = '{"action":"fire","entry":"daily"}';
    for (let click = 0; click < 3; click++) {
      const { status, body: text } = await send("POST", "/control", { headers, body });
      assert.equal(status, 409);
      assert.match(JSON.parse(text).error, /^Nothing was fired: .* not connected/);
    }
    await server.start();
    await program.logged("bus.reconnected");
    const done = await send("POST", "/control", { headers, body });
    assert.deepEqual([done.status, JSON.parse(done.body).dispatches], [200, 1]);
    await program.logged("scheduler.goal_dispatched");
    assert.equal(program.log("scheduler.goal_dispatched").length, 1);
  });
});

Deno.test("a path has one spelling, and a strange Host is a bad request", async () => {
  await served([], async ({ get, port, program }) => {
    for (
      const path of [
        "/./metrics",
        "/x/../metrics",
        "//x/metrics",
        "/%2e/metrics",
        "/metrics#a",
        "/metrics/",
        "http://evil.example/metrics",
        "/x/..",
        "/\\metrics",
        "/?/../healthz/..",
        "*",
      ]
    ) {
      // After the question mark nothing counts as a path.
      const status = path.startsWith("/?") ? 200 : 404;
      assert.equal((await get(path)).status, status, path);
    }
    assert.equal((await get("/metrics?x=1")).status, 200);

    const hosts = ["a b", "[::1", "%", "a:b:c", "localhost:99999", "\xff", "a/b", "@", "http://x"];
    for (const host of hosts) {
      for (const path of ["/", "/metrics", "/events", "/healthz"]) {
        const head = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
        using conn = await Deno.connect({ hostname: "127.0.0.1", port });
        await conn.write(Uint8Array.from(head, (character) => character.charCodeAt(0)));
        const answer = await new Response(conn.readable).text();
        assert.match(answer, /^HTTP\/1\.1 400 /, `${JSON.stringify(host)} ${path}`);
        assert.doesNotMatch(answer, /^ +at /m);
      }
    }
    assert.equal((await get("/healthz", { host: "my_service.example:8080" })).status, 200);
    assert.equal((await get("/healthz", { host: "[::1]:8080" })).status, 200);
    const others = program.stderr.filter((line) =>
      !line.startsWith("{") && !line.includes("Permissions in the config file")
    );
    assert.deepEqual(others, []);
  });
});

Deno.test("other paths, methods and hosts are refused with a reason", async () => {
  await served([], async ({ get, send }) => {
    for (
      const [method, path, status] of [
        ["GET", "/favicon.ico", 404],
        ["GET", "/__proto__", 404],
        ["GET", "/../../etc/passwd", 404],
        ["GET", "//", 404],
        ["POST", "/", 405],
        ["DELETE", "/metrics", 405],
        ["GET", "/control", 405],
        ["GET", `/events?filter=${"x".repeat(300)}`, 400],
      ] as const
    ) {
      const answer = await send(method, path, {});
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.ok(answer.body.length > 5);
    }
    assert.equal((await get("/", { host: "evil.example" })).status, 421);
    assert.equal((await get("/", { host: "localhost:80" })).status, 200);
    const page = await get("/");
    assert.match(String(page.headers["content-security-policy"]), /default-src 'none'.*sha256-/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
  });
});

for (
  const [args, reason] of [
    [["--http", "65536"], /expected PORT or ADDR:PORT/],
    [["--http", "::1:80"], /expected PORT or ADDR:PORT/],
    [["--http", "a b:80"], /expected PORT or ADDR:PORT/],
    [["--http-control"], /--http-control needs --http/],
    [["--http", "0.0.0.0:0", "--http-control"], /would let anybody fire: add --http-token-file/],
    [["--http", "0", "--http-token-file", "/no/such"], /Cannot read the token file/],
    [["--http", "0", "--http-token-file", "/dev/null"], /This is a device: name a regular file/],
    [["--http", "0", "--http-token-file", "LICENSE"], /expected one line of at least 16/],
    [["health"], /give --http or HEDDLE_SCHEDULER_HTTP/],
  ] as const
) {
  Deno.test(`wrong usage exits with 2 and says why: ${args.join(" ")}`, async () => {
    const { code, stderr } = await runProgram([...args]);
    assert.match(stderr, reason);
    assert.equal(code, 2);
  });
}

Deno.test("a port that is taken is said, and ends it with 1", async () => {
  await served([], async ({ port, path }) => {
    const at = ["--config", path, "--bus", "memory", "--http", String(port)];
    await using second = new Program(at);
    assert.equal(await second.exit(), 1);
    const { error } = second.log("http.listen_failed")[0]!;
    assert.match(
      String(error),
      new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: .*in use`, "i"),
    );
  });
});

Deno.test("whoever listens beyond loopback without a token is warned", async () => {
  await served(["--http", "0.0.0.0:0"], async ({ program }) => {
    assert.equal((await program.logged("http.unguarded")).level, "warning");
  });
});

Deno.test("open pages and requests do not hold up the end", async () => {
  await served([], async ({ url, program }) => {
    const closing = new AbortController();
    const stream = events(url, closing.signal);
    await stream.next();
    const began = performance.now();
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
    assert.ok(performance.now() - began < 3000);
    closing.abort();
    await stream.return(undefined).catch(() => {});
  });
});

/** The program where there is no IPv4, whatever the file `hosts` says. */
function withoutIpv4(hosts: string, args: string[]): Program {
  const script = `ip link set lo up && ip address delete 127.0.0.1/8 dev lo &&
    mount --bind ${hosts} /etc/hosts && exec "$@"`;
  return new Program(["--bus", "memory", ...args], {
    command: [
      ...["unshare", "--net", "--mount", "sh", "-c", script, "sh"],
      ...[Deno.execPath(), "run", "-P", "main.ts"],
    ],
  });
}

const CAN_UNSHARE = Deno.build.os === "linux" && Deno.uid() === 0 &&
  await new Deno.Command("unshare", { args: ["--net", "--mount", "ip", "link"] }).output()
    .then(({ success }) => success, () => false);

Deno.test({
  name: "without IPv4 it listens where localhost is, and says where loopback is",
  ignore: !CAN_UNSHARE,
  fn: async () => {
    const hosts = await Deno.makeTempFile();
    await Deno.writeTextFile(hosts, "127.0.0.1 localhost\n::1 localhost\n");
    await using program = withoutIpv4(hosts, ["--http", "localhost:0"]);
    assert.match(
      String((await program.logged("http.listening")).url),
      /^http:\/\/localhost:\d+\/$/,
    );
    await using refused = withoutIpv4(hosts, ["--http", "8080"]);
    assert.equal(await refused.exit(), 1);
    assert.match(
      String(refused.log("http.listen_failed")[0]!.error),
      /^Cannot listen on 127\.0\.0\.1:8080: .* without IPv4 it is \[::1\]:8080$/,
    );
    await Deno.remove(hosts);
  },
});
