/**
 * A program that schedules functions of its own: no server, no configuration file, no messages.
 *
 *     deno run examples/embedding.ts
 *
 * It ends on Ctrl-C, once what is under way has finished.
 */
import { MemoryBus, type OnFire, SchedulerActor } from "@heddle/scheduler";

const jobs: Record<string, () => Promise<void> | void> = {
  cleanup: () => console.log("cleanup: removing what is old"),
  report: async () => {
    await Promise.resolve();
    console.log("report: sent");
  },
};

/** What a YAML file would hold. A job is named by its entry; the rest is for workers on a bus. */
const config = {
  name: "embedding",
  timezone: "Europe/Berlin",
  schedules: [
    { name: "cleanup", cron: "* * * * * *", dispatch_type: "task", task: { worker_type: "local" } },
    {
      name: "report",
      cron: "30 8 * * MON-FRI",
      run_on_start: true,
      dispatch_type: "task",
      task: { worker_type: "local" },
    },
  ],
};

const onFire: OnFire = async ({ name }, { scheduledFor }) => {
  console.log(`${name} was due at ${scheduledFor.toISOString()}`);
  await jobs[name]?.();
};

await using bus = new MemoryBus();
await new SchedulerActor("embedding", config, { bus, onFire }).run();
