import { MemoryBus } from "../../lib/bus/memory_bus.ts";
import type { ConfigDocument } from "../../lib/scheduler/config_source.ts";
import { SchedulerActor, type SchedulerActorOptions } from "../../lib/scheduler/scheduler_actor.ts";
import { ManualClock } from "../../lib/time/manual_clock.ts";
import { eventually } from "../helpers/eventually.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

/** A bus that keeps what is published on it. */
export class KeepingBus extends MemoryBus {
  readonly published: { subject: string; data: Record<string, unknown> }[] = [];

  override publish(...[subject, data, options]: Parameters<MemoryBus["publish"]>): Promise<void> {
    holdToSchema(subject, data);
    this.published.push({ subject, data: structuredClone(data) });
    return super.publish(subject, data, options);
  }
}

export interface Embedded {
  scheduler: SchedulerActor;
  bus: KeepingBus;
  clock: ManualClock;
  log: LogRecorder;
  stopping: AbortController;
  /** Ends it, and lets as much time pass as that may take. */
  stop(): Promise<void>;
}

/** A scheduler that runs as in a program that embeds it, on a manual clock from `start`. */
export async function withScheduler(
  config: string | ConfigDocument,
  test: (embedded: Embedded) => Promise<void>,
  { start = "2026-01-01T00:00:00Z", ...options }: SchedulerActorOptions & { start?: string } = {},
): Promise<void> {
  const clock = new ManualClock(start);
  const log = new LogRecorder();
  const bus = new KeepingBus({ clock, logger: log });
  const scheduler = new SchedulerActor("test", config, { bus, clock, logger: log, ...options });
  const stopping = new AbortController();
  const running = scheduler.run({ signal: stopping.signal, handleSignals: false });
  const stop = async () => {
    stopping.abort();
    await clock.advance(10_000);
    await running;
  };
  try {
    await Promise.race([
      eventually("it runs", () => log.of("scheduler.running").length === 1),
      running,
    ]);
    await test({ scheduler, bus, clock, log, stopping, stop });
  } finally {
    await stop();
  }
}
