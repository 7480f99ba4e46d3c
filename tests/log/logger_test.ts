import assert from "node:assert/strict";
import { configure, type LogRecord, reset } from "@logtape/logtape";
import { defaultLogger } from "../../lib/log/logger.ts";

/** What `work` writes to `console.error`. */
function consoleErrors(work: () => void): string[] {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...values: unknown[]) => void lines.push(values.join(" "));
  try {
    work();
  } finally {
    console.error = error;
  }
  return lines;
}

Deno.test("where nobody configured LogTape, warnings and errors go to console.error", () => {
  const logger = defaultLogger();
  const lines = consoleErrors(() => {
    logger.debug("a.debug", { n: 1 });
    logger.info("a.info");
    logger.warning("bus.unconfirmed", { count: 3, note: "two words", none: null });
    logger.error("actor.error");
    logger.error("bus.error", { server: "nats://ada:secret@host:4222", text: "a\nb" });
  });
  assert.deepEqual(lines, [
    'heddle warning bus.unconfirmed  count=3 note="two words"',
    "heddle error actor.error",
    'heddle error bus.error  server=nats://***@host:4222 text="a\\nb"',
  ]);
});

Deno.test("where LogTape is configured, also later, it has every line and the console none", async () => {
  const logger = defaultLogger();
  const records: LogRecord[] = [];
  await configure({
    sinks: { records: (record) => void records.push(record) },
    loggers: [
      { category: "heddle", lowestLevel: "debug", sinks: ["records"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["records"] },
    ],
  });
  try {
    const lines = consoleErrors(() => {
      logger.debug("a.debug");
      logger.info("a.info");
      logger.warning("a.warning", { n: 1 });
      logger.error("an.error");
    });
    assert.deepEqual(lines, []);
    assert.deepEqual(records.map(({ level, rawMessage }) => `${level} ${rawMessage}`), [
      "debug a.debug",
      "info a.info",
      "warning a.warning",
      "error an.error",
    ]);
    assert.deepEqual(records[2]!.properties, { n: 1 });
  } finally {
    await reset();
  }
});
