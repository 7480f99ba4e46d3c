import { FiringEngine } from "../../lib/engine/firing_engine.ts";
import { History } from "../../lib/engine/history.ts";
import { Pauses } from "../../lib/engine/pauses.ts";
import type { ScheduleEntry } from "../../lib/config/schedule_entry.ts";
import type { Clock } from "../../lib/time/clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";
import { SwitchableBus } from "./switchable_bus.ts";
import { expandedOf } from "../helpers/expanded.ts";

export interface RunningEngine {
  readonly log: LogRecorder;
  readonly bus: SwitchableBus;
  /** Changes to other entries, as a reload does. */
  reload(entries: readonly ScheduleEntry[]): Promise<void>;
  /** Each occurrence that fired: `entry@second`, counted from the epoch. */
  fired(): string[];
}

/** Returns an engine on its own, for which nobody expands or reloads. */
export function newEngine(
  { clock, log, bus, delivery }: {
    clock: Clock;
    log: LogRecorder;
    bus: SwitchableBus;
    delivery: "core" | "jetstream";
  },
): FiringEngine {
  return new FiringEngine({
    scheduler: "test",
    wire: () => "v1",
    bus,
    expander: { expand: () => Promise.resolve(expandedOf([])) },
    clock,
    logger: log,
    delivery,
    replicas: null,
    drainTimeout: 0,
    reload: () => Promise.resolve(),
    history: new History(),
    pauses: new Pauses(),
    tracing: null,
  });
}

/** An engine over core NATS, that runs. */
export async function withEngine(
  { clock, entries }: { clock: Clock; entries: readonly ScheduleEntry[] },
  test: (running: RunningEngine) => Promise<void>,
): Promise<void> {
  const log = new LogRecorder();
  const bus = new SwitchableBus();
  const engine = newEngine({ clock, log, bus, delivery: "core" });
  const config = (of: readonly ScheduleEntry[]) => ({
    name: "test",
    timezone: "UTC",
    wire: "v1" as const,
    expandAllow: { read: [], net: null },
    entries: [...of],
  });
  const stop = new AbortController();
  await engine.start(config(entries), stop.signal);
  const running = engine.run(stop.signal);
  try {
    await test({
      log,
      bus,
      reload: async (of) => (await engine.prepare(config(of)))(),
      fired: () =>
        log.of("scheduler.firing").map(({ fields }) =>
          `${fields.schedule}@${Date.parse(String(fields.scheduled_for)) / 1000}`
        ),
    });
  } finally {
    stop.abort();
    await running;
  }
}
