/** Whatever is done to it from outside, the HTTP server stays bounded, and the schedules keep time. */
import assert from "node:assert/strict";
import { connect } from "../helpers/nats_client.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { eventually } from "../helpers/eventually.ts";
import type { Program } from "../helpers/program.ts";
import { CONFIG, type HttpSite, served } from "./site.ts";

/** While there is abuse, what fires so often per second fires so often, none late and none skipped. */
async function keepsTime(
  program: Program,
  abuse: () => Promise<void>,
  perSecond = 10,
): Promise<void> {
  await program.logged("scheduler.running");
  const count = () => program.log("scheduler.task_dispatched").length;
  const before = count();
  const began = performance.now();
  await abuse();
  const seconds = (performance.now() - began) / 1000;
  await eventually("it goes on", () => count() > before + seconds * perSecond * 0.9);
  assert.deepEqual(program.log("scheduler.fire_skipped"), []);
  assert.deepEqual(program.log("scheduler.clock_jumped"), []);
  const latest = Math.max(...program.log("scheduler.firing").map((each) => +each.lateness_ms!));
  assert.ok(latest < 1000, `a firing was ${latest} ms late`);
}

async function open(port: number): Promise<Deno.TcpConn | null> {
  return await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
}

const write = (conn: Deno.TcpConn, text: string) =>
  conn.write(new TextEncoder().encode(text)).catch(() => 0);

/** All that comes until the other side closes. */
async function readAll(conn: Deno.TcpConn): Promise<string> {
  let text = "";
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const length = await conn.read(buffer).catch(() => null);
    if (length === null) return text;
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
}

const answers = ({ get }: HttpSite) =>
  eventually("it answers again", async () => {
    return await get("/healthz").then(({ status }) => status === 200, () => false);
  }, 15_000);

Deno.test("slow clients are let go, and keep nobody out for long", async () => {
  await served([], async (site) => {
    await keepsTime(site.program, async () => {
      const slow = (await Promise.all(Array.from({ length: 200 }, () => open(site.port))))
        .filter((conn) => conn !== null);
      for (const conn of slow) await write(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
      const dripping = setInterval(() => slow.forEach((conn) => void write(conn, "x")), 500);
      const ends = await Promise.all(slow.map(readAll));
      clearInterval(dripping);
      for (const conn of slow) conn.close();
      assert.ok(ends.every((text) => text === "" || text.startsWith("HTTP/1.1 408 ")), ends[0]);
    });
    await answers(site);
  });
});

Deno.test("a client that sends its head slowly is closed before one that sends its body slowly", async () => {
  await served(["--http-control"], async (site) => {
    const head = (await open(site.port))!;
    const body = (await open(site.port))!;
    await write(head, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    await write(
      body,
      "POST /control HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
        "X-Heddle-Control: 1\r\nContent-Length: 1000\r\n\r\n{",
    );
    const dripping = setInterval(() => [head, body].forEach((conn) => void write(conn, "x")), 500);
    const ends: string[] = [];
    await Promise.all([
      readAll(head).then(() => ends.push("head")),
      readAll(body).then(() => ends.push("body")),
    ]);
    clearInterval(dripping);
    head.close();
    body.close();
    assert.deepEqual(ends, ["head", "body"]);
  });
});

Deno.test("connections beyond the limit are closed at once, and do not use up what others need", async () => {
  await served([], async (site) => {
    await keepsTime(site.program, async () => {
      const conns = (await Promise.all(Array.from({ length: 400 }, () => open(site.port))))
        .filter((conn) => conn !== null);
      const closed = new Set<Deno.TcpConn>();
      for (const conn of conns) void readAll(conn).then(() => closed.add(conn));
      await eventually("the others are closed", () => conns.length - closed.size <= 256, 3000);
      for (const conn of conns) conn.close();
    });
    await answers(site);
  });
});

Deno.test("of thousands of connections and streams a bounded number is served", async () => {
  await served([], async (site) => {
    await keepsTime(site.program, async () => {
      const statuses = new Map<string, number>();
      const conns: Deno.TcpConn[] = [];
      for (let batch = 0; batch < 20; batch++) {
        await Promise.all(Array.from({ length: 100 }, async () => {
          const conn = await open(site.port);
          if (conn === null) return;
          conns.push(conn);
          await write(conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
          const buffer = new Uint8Array(64);
          const length = await conn.read(buffer).catch(() => null);
          const status = length === null
            ? "closed"
            : new TextDecoder().decode(buffer).split(" ")[1]!;
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }));
      }
      for (const conn of conns) conn.close();
      assert.equal(statuses.get("200"), 64);
      assert.ok((statuses.get("503") ?? 0) + (statuses.get("closed") ?? 0) > 1900);
    });
    await answers(site);
  });
});

Deno.test("bodies, heads and paths that are too large are refused", async () => {
  await served(["--http-control"], async (site) => {
    await keepsTime(site.program, async () => {
      const own = "Host: localhost\r\nContent-Type: application/json\r\nX-Heddle-Control: 1\r\n";
      for (
        const [head, body, expected] of [
          [
            `POST /control HTTP/1.1\r\n${own}Content-Length: 2000000\r\n\r\n`,
            "x".repeat(2e6),
            /^HTTP\/1\.1 413 /,
          ],
          [
            `POST /control HTTP/1.1\r\n${own}Transfer-Encoding: chunked\r\n\r\n`,
            `100000\r\n${"x".repeat(0x100000)}\r\n`,
            /^HTTP\/1\.1 413 /,
          ],
          [
            `GET /${"x".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
            "",
            /^(HTTP\/1\.1 4\d\d |$)/,
          ],
          [
            `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(1_000_000)}\r\n\r\n`,
            "",
            /^(HTTP\/1\.1 4\d\d |$)/,
          ],
          ["\u0016\u0003\u0001 what is this\r\n\r\n", "", /^(HTTP\/1\.1 400 |$)/],
          ["GET / HTTP/9.9\r\n\r\n", "", /^(HTTP\/1\.1 [45]\d\d |$)/],
        ] as const
      ) {
        const conn = (await open(site.port))!;
        const answer = readAll(conn);
        await write(conn, head);
        await write(conn, body);
        await conn.closeWrite().catch(() => {});
        assert.match((await answer).slice(0, 60), expected, head.slice(0, 60));
        conn.close();
      }
    });
    await answers(site);
  });
});

Deno.test("a page that reads nothing is let go before it fills the memory", async () => {
  const entries = Array.from(
    { length: 200 },
    (_, n) =>
      `  - { name: ${
        `entry-${n}-`.padEnd(200, "x")
      }, interval_seconds: 0.5, dispatch_type: task, ` +
      "task: { worker_type: w } }",
  );
  const config = ["name: wide", "schedules:", ...entries, ""].join("\n");
  await served([], async ({ port, program, get }) => {
    await program.logged("scheduler.running");
    const conns = await Promise.all(Array.from({ length: 60 }, () => open(port)));
    for (const conn of conns) await write(conn!, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 8000));
    assert.equal((await get("/healthz")).status, 200);
    const status = await Deno.readTextFile(`/proc/${program.pid}/status`);
    const megabytes = Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
    assert.ok(megabytes < 400, `${megabytes} MB`);
    for (const conn of conns) conn!.close();
    const latest = Math.max(...program.log("scheduler.firing").map((each) => +each.lateness_ms!));
    assert.ok(latest < 1000, `a firing was ${latest} ms late`);
  }, { config });
});

Deno.test("a flood of requests on the bus is answered in turns, and the schedules keep time", async () => {
  await using server = await startNatsServer();
  // The bus carries both: until the flood has been read, what a firing sent is not confirmed.
  const config = CONFIG.replace("interval_seconds: 0.1", "interval_seconds: 0.5");
  await served(["--nats-url", server.url], async ({ program }) => {
    const client = await connect({ servers: server.url });
    await keepsTime(program, async () => {
      const control = "heddle.scheduler.served";
      const ask = (data: string) => client.request(control, data, { timeout: 20_000 });
      const kinds = [
        '{"action":"status"}',
        '{"action":"next","count":100}',
        "{",
        "[]",
        `{"action":"${"x".repeat(10_000)}"}`,
        JSON.stringify({ action: "pause", entry: "x".repeat(20_000) }),
      ];
      const replies = await Promise.all(
        Array.from({ length: 600 }, (_, n) => ask(kinds[n % kinds.length]!)),
      );
      // The largest that the server takes.
      await ask(JSON.stringify({ action: "pause", entry: "x".repeat(1_000_000) }));
      const errors = replies.filter((each) => each.json<{ status: string }>().status === "error");
      assert.equal(errors.length, 400);
      assert.ok(replies.every(({ data }) => data.length < 200_000));
      // Nobody waits for these.
      for (let n = 0; n < 20_000; n++) client.publish(control, kinds[n % 4]!);
      await client.flush();
      const slow = await Promise.all(
        Array.from({ length: 40 }, () => ask('{"action":"fire","entry":"daily"}')),
      );
      const codes = slow.map((each) => each.json<{ code?: string }>().code ?? "ok");
      assert.ok(codes.every((code) => code === "ok" || code === "busy"));
      const fired = codes.filter((code) => code === "ok").length;
      await eventually("each is logged", () => {
        return program.log("scheduler.goal_dispatched").length === fired;
      });
    }, 2);
    await client.close();
  }, { config });
});
