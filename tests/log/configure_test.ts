import { getLogger } from "@logtape/logtape";
import assert from "node:assert/strict";
import { configureLogging, type LogOptions } from "../../lib/log/configure.ts";
import { defaultLogger, type Logger } from "../../lib/log/logger.ts";

/** What `write` logs, line by line. */
async function logged(options: Partial<LogOptions>, write: (logger: Logger) => void) {
  let text = "";
  const decoder = new TextDecoder();
  const stream = new WritableStream<Uint8Array>({
    write(chunk) {
      text += decoder.decode(chunk, { stream: true });
    },
  });
  const stop = await configureLogging({ format: "json", level: "info", stream, ...options });
  write(defaultLogger());
  await stop();
  return text.split("\n").slice(0, -1);
}

Deno.test("a line is one JSON object: timestamp, level, event, then the fields", async () => {
  const [line, ...rest] = await logged({}, (logger) => {
    logger.warning("scheduler.fire_skipped", { schedule: "a", reason: "overlap", lateness_ms: 3 });
  });
  assert.deepEqual(rest, []);
  const { timestamp, ...others } = JSON.parse(line!);
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(others, {
    level: "warning",
    event: "scheduler.fire_skipped",
    schedule: "a",
    reason: "overlap",
    lateness_ms: 3,
  });
});

Deno.test("the level bounds what is written", async () => {
  const write = (logger: Logger) => {
    logger.debug("a.debug");
    logger.info("a.info");
    logger.warning("a.warning");
    logger.error("a.error");
  };
  const events = async (level: LogOptions["level"]) =>
    (await logged({ level }, write)).map((line) => JSON.parse(line).event);
  assert.deepEqual(await events("debug"), ["a.debug", "a.info", "a.warning", "a.error"]);
  assert.deepEqual(await events("warning"), ["a.warning", "a.error"]);
});

Deno.test("text with line breaks, braces and quotes stays one line of valid JSON", async () => {
  const text = 'two\nlines {"a": {b}} \u2028';
  const [line, ...rest] = await logged({}, (logger) => logger.info("a.b", { text }));
  assert.deepEqual(rest, []);
  assert.equal(JSON.parse(line!).text, text);
});

Deno.test("what JSON cannot carry does not break the line", async () => {
  const fields = { big: 1n, error: new Error("boom"), nothing: undefined };
  const [line] = await logged({}, (logger) => logger.info("a.b", fields));
  assert.equal(JSON.parse(line!).big, "1");
  assert.equal(JSON.parse(line!).error, "boom");
});

Deno.test("credentials in a URL never reach a log, whoever logs them", async () => {
  for (const format of ["json", "pretty"] as const) {
    const [line] = await logged({ format }, (logger) => {
      logger.error("bus.connect_failed", { error: "nats://user:s3cret@host:4222 refused" });
    });
    assert.doesNotMatch(line!, /s3cret/);
    assert.match(line!, /host:4222 refused/);
  }
});

Deno.test("pretty is for people: time, level, event, fields", async () => {
  const [line] = await logged({ format: "pretty" }, (logger) => {
    logger.info("scheduler.firing", { schedule: "two words", lateness_ms: 1, nothing: null });
  });
  assert.match(
    line!,
    /^\d\d:\d\d:\d\d\.\d{3} info {4}scheduler\.firing {2}schedule="two words" lateness_ms=1$/,
  );
});

Deno.test("other programs' loggers are left alone", async () => {
  const lines = await logged({}, () => getLogger(["somebody", "else"]).error("not ours"));
  assert.deepEqual(lines, []);
});

Deno.test("what is logged while the stream is busy goes out in one piece, in order", async () => {
  const writes: string[] = [];
  const first = Promise.withResolvers<void>();
  const stream = new WritableStream<Uint8Array>({
    async write(chunk) {
      writes.push(new TextDecoder().decode(chunk));
      if (writes.length === 1) await first.promise;
    },
  });
  const stop = await configureLogging({ format: "json", level: "info", stream });
  const log = (n: number) => defaultLogger().info("a.b", { n });
  log(0);
  await new Promise((resolve) => setTimeout(resolve, 1));
  for (let n = 1; n < 100; n++) log(n);
  first.resolve();
  await stop();
  assert.equal(writes.length, 2);
  const lines = writes.join("").trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line).n), [...Array(100).keys()]);
});

Deno.test("no line is lost or cut, however many and however long they are", async () => {
  const long = "é\u{1f600}".repeat(50_000);
  const lines = await logged({}, (logger) => {
    for (let n = 0; n < 3000; n++) logger.info("a.b", { n, text: n % 1000 === 7 ? long : "ü" });
  });
  assert.equal(lines.length, 3000);
  for (const [place, line] of lines.entries()) {
    const { n, text } = JSON.parse(line);
    assert.deepEqual([n, text.length], [place, place % 1000 === 7 ? long.length : 1]);
  }
});

Deno.test("a stream whose reader has gone costs the lines and nothing else", async () => {
  const stream = new WritableStream<Uint8Array>({
    write() {
      throw new Deno.errors.BrokenPipe("nobody reads");
    },
  });
  const stop = await configureLogging({ format: "json", level: "info", stream });
  defaultLogger().info("a.b");
  await new Promise((resolve) => setTimeout(resolve, 1));
  defaultLogger().info("a.c");
  await stop();
});
