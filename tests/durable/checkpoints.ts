import { CheckpointStore } from "../../lib/durable/checkpoint_store.ts";
import { checkpointKey } from "../../lib/durable/keys.ts";
import { partitionOf, partitionsOf } from "../../lib/durable/shards.ts";
import { sameTimingText } from "../../lib/schedule/timing_text.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { MemoryStore } from "./memory_store.ts";

export const ALL = partitionsOf(0, 1);
export const START = Date.parse("2026-01-01T00:00:00Z");
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const NIGHTLY = { name: "nightly", timing: "0 2 * * * UTC" };
/** Of the same document. */
export const HEALTH = { name: "health", timing: "1" };

/** A bucket with a clock of its own, and schedulers that keep their checkpoints there. */
export function setUp() {
  const store = new MemoryStore();
  const clock = new ManualClock(START);
  let ahead = 0;
  const server = { jump: (milliseconds: number) => void (ahead += milliseconds) };
  store.now = () => START + clock.monotonic() + ahead;
  const logger = new LogRecorder();
  const checkpoints = (ownClock = clock) =>
    new CheckpointStore({
      store,
      scheduler: "s",
      clock: ownClock,
      logger,
      sameTiming: sameTimingText,
    });
  const advance = (milliseconds: number) => clock.advance(milliseconds);
  const key = (name: string) => checkpointKey("s", partitionOf(name));
  const written = (name: string) => {
    const { value } = store.values.get(key(name))!;
    return (value.entries as Record<string, unknown>)[name];
  };
  /** Puts a document there as somebody else would. */
  const put = async (name: string, value: Record<string, unknown>) => {
    await store.put(key(name), value, store.values.get(key(name))?.revision ?? 0);
  };
  return { store, clock, server, logger, checkpoints, advance, key, written, put };
}

/** What a checkpoint says. */
export function stateOf(store: CheckpointStore, name: string) {
  const checkpoint = store.of(name);
  if (checkpoint === null) return null;
  const { timing, since, last, isNew } = checkpoint;
  return { timing, since, last, isNew };
}
