import assert from "node:assert/strict";
import { type LogOptions, openLog } from "../../lib/log/configure.ts";
import type { LineOutput } from "../../lib/log/line_writer.ts";
import type { Logger } from "../../lib/log/logger.ts";

/** What `write` logs, line by line. */
async function logged(options: Partial<LogOptions>, write: (logger: Logger) => void) {
  let text = "";
  const decoder = new TextDecoder();
  const output = {
    write(bytes: Uint8Array) {
      text += decoder.decode(bytes, { stream: true });
      return Promise.resolve(bytes.length);
    },
  };
  const { logger, end } = openLog({
    format: "json",
    level: "info",
    now: Date.now,
    output,
    ...options,
  });
  write(logger);
  await end();
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

/** An output whose reader stops and goes on, and whose disk may be full. */
class TestOutput {
  readonly writes: string[] = [];
  /** How many more bytes have room. */
  room = Infinity;
  #gate = Promise.resolve();

  get lines(): Record<string, unknown>[] {
    return this.writes.join("").split("\n").flatMap((line) => {
      try {
        return [JSON.parse(line)];
      } catch {
        return []; // what is left of a line that was cut
      }
    });
  }

  /** @returns has the reader go on */
  stall(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#gate;
    const taken = bytes.subarray(0, this.room);
    this.room -= taken.length;
    if (taken.length === 0) throw new Error("No space left on device (os error 28)");
    this.writes.push(new TextDecoder().decode(taken));
    return taken.length;
  }
}

/** Opens a log into `output`, of numbered lines. */
function numbered(output: LineOutput) {
  const { logger, end } = openLog({ format: "json", level: "info", now: Date.now, output });
  return { log: (n: number, more = {}) => logger.info("a.b", { n, ...more }), end };
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

Deno.test("what is logged while the output is busy goes out in one piece, in order", async () => {
  const output = new TestOutput();
  const goOn = output.stall();
  const { log, end } = numbered(output);
  log(0);
  await turn();
  for (let n = 1; n < 100; n++) log(n);
  goOn();
  await end();
  assert.equal(output.writes.length, 2);
  assert.deepEqual(output.lines.map(({ n }) => n), [...Array(100).keys()]);
});

Deno.test("what waits for a reader that has stopped is bounded; what is dropped is counted and reported", async () => {
  const output = new TestOutput();
  const goOn = output.stall();
  const { log, end } = numbered(output);
  const text = "x".repeat(1000);
  for (let n = 0; n < 20_000; n++) log(n, { text });
  goOn();
  await turn();
  log(20_000);
  await end();
  const { lines } = output;
  const at = lines.findIndex(({ event }) => event === "log.lines_dropped");
  assert.ok(at > 3000 && at < 5000, `${at} lines of a kilobyte waited`);
  assert.deepEqual(lines.slice(0, at).map(({ n }) => n), [...Array(at).keys()]);
  const { level, count } = lines[at]!;
  assert.deepEqual({ level, count }, { level: "warning", count: 20_000 - at });
  assert.deepEqual(lines.slice(at + 1).map(({ n }) => n), [20_000]);
});

Deno.test("after a disk was full, logging goes on on a line of its own and says what was dropped", async () => {
  const output = new TestOutput();
  const { log, end } = numbered(output);
  log(0);
  await turn();
  output.room = 10; // part of a line
  for (const n of [1, 2, 3]) log(n);
  await turn();
  log(4);
  await turn();
  output.room = Infinity;
  log(5);
  await turn();
  log(6);
  await end();
  assert.deepEqual(
    output.lines.map(({ event, n, count }) => event === "a.b" ? n : count),
    [0, 5, 4, 6],
  );
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

Deno.test("an output whose reader has gone costs the lines and nothing else", async () => {
  const output = { write: () => Promise.reject(new Deno.errors.BrokenPipe("nobody reads")) };
  const { log, end } = numbered(output);
  log(1);
  await turn();
  log(2);
  await end();
});
