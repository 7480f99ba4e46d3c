/**
 * An actor that does the tasks which the scheduler publishes. Start several: each task reaches one.
 *
 *     deno run --allow-net --allow-env=NATS_URL examples/actor.ts
 *
 * It ends on Ctrl-C, once the task that it works on is done.
 */
import { BaseActor, type JsonObject } from "@heddle/scheduler";
import { type TaskMessage, TASKS_SUBJECT } from "@heddle/scheduler/wire";

class Worker extends BaseActor {
  /** What this throws is logged, and costs no other task. */
  override handleMessage(data: JsonObject): void {
    const task = data as TaskMessage;
    console.log(`${task.worker_type}: ${JSON.stringify(task.payload)}`);
  }
}

const natsUrl = Deno.env.get("NATS_URL") ?? "nats://127.0.0.1:4222";
const worker = new Worker("worker-1", { natsUrl });
await worker.run({ subject: TASKS_SUBJECT, queueGroup: "workers" });
