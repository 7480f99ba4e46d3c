// deno-lint-ignore-file no-import-prefix -- the peers are pinned here and nowhere else
/**
 * The schedulers that are compared, each started the way its own documentation shows. The versions
 * are pinned here: nothing but the benchmarks uses them.
 *
 * @module
 */

/** The name under which ours appears in the tables. */
export const OURS = "heddle-scheduler";

/** Starts one job per cron expression (six fields, seconds first, UTC). */
export type Start = (expressions: readonly string[], onDue: (job: number) => void) => Promise<void>;

export const PEERS: Record<string, Start> = {
  async "croner 11.0.1"(expressions, onDue) {
    const { Cron } = await import("npm:croner@11.0.1");
    expressions.forEach((expression, job) => new Cron(expression, () => onDue(job)));
  },

  async "croner 9.1.0"(expressions, onDue) {
    const { Cron } = await import("npm:croner@9.1.0");
    expressions.forEach((expression, job) => new Cron(expression, () => onDue(job)));
  },

  async "cron 4.4.0"(expressions, onDue) {
    const { CronJob } = await import("npm:cron@4.4.0");
    expressions.forEach((expression, job) => new CronJob(expression, () => onDue(job), null, true));
  },

  async "node-cron 4.6.0"(expressions, onDue) {
    const { schedule } = await import("npm:node-cron@4.6.0");
    expressions.forEach((expression, job) => schedule(expression, () => onDue(job)));
  },

  async "node-schedule 2.1.1"(expressions, onDue) {
    const { default: schedule } = await import("npm:node-schedule@2.1.1");
    expressions.forEach((expression, job) => schedule.scheduleJob(expression, () => onDue(job)));
  },
};

/** What a program that uses a peer has to do itself: about 400 bytes. */
export function taskMessageText(job: number): string {
  return JSON.stringify({
    task_id: crypto.randomUUID(),
    parent_task_id: null,
    worker_type: "w",
    payload: { job, text: "x".repeat(150) },
    model_tier: "local",
    priority: "normal",
    created_at: new Date().toISOString(),
    request_id: null,
    metadata: { scheduled_by: `entry_${job}` },
  });
}

/**
 * A configuration file with one entry for each expression.
 *
 * @param text part of the payload; the default makes a message of about 400 bytes
 */
export function configText(expressions: readonly string[], text = "x".repeat(150)): string {
  const entries = expressions.map((expression, job) =>
    `  - name: entry_${job}\n    cron: "${expression}"\n    dispatch_type: task\n` +
    `    task: { worker_type: w, payload: { job: ${job}, text: ${text} } }\n`
  );
  return `name: bench\nschedules:\n${entries.join("")}`;
}

/** Six fields that name the second of `instant` (milliseconds since the epoch), every day. */
export function dailyAt(instant: number): string {
  const at = new Date(instant);
  return `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
}
