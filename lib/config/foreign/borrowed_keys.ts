/**
 * Keys that other schedulers have and this one does not: those of Kubernetes, systemd, Airflow,
 * Celery, APScheduler and GitHub. Words are written as {@link normalized} writes them.
 *
 * @module
 */
import { normalized } from "../../internal/suggestion.ts";

/** What to say of a key. An error, since the entry would fire all the same, or elsewhere. */
export interface Advice {
  readonly isError: boolean;
  /** To follow a colon. */
  readonly text: string;
}

/** Would stop the entry when true. */
const STOPS = words("suspend suspended disabled disable paused pause skip is_disabled is_paused");
/** Would stop it when false; `enabled` is one where it stands outside of an entry. */
const RUNS = words("enabled active enable is_enabled is_active");
const MOVES = words("at time date when run_at run_date");
const REDIRECTS = words("subject topic queue routing_key");

const NO_OVERLAP = "an entry never overlaps itself";
const NO_RETRY = "an entry does not try again what its consumer could not do";
const IN_TASK = "write it into 'task.payload'";

/** The words whose loss changes nothing at once: what to do instead. */
const INSTEAD = new Map(Object.entries({
  ...all("schedule crontab cron_expression cron_schedule schedule_interval", write("cron")),
  ...all("every interval period repeat_interval frequency seconds", write("interval_seconds")),
  ...all("tz zone time_zone", write("timezone")),
  ...all("random_delay randomized_delay_sec splay", write("jitter_seconds")),
  ...all("timeout timeout_seconds", write("expand_timeout_seconds")),
  ...all("start_date start_time starts_at not_before", write("start_at")),
  ...all("end_date end_time ends_at expires until", write("end_at")),
  ...all("grace misfire_grace_time starting_deadline_seconds", write("misfire_grace_seconds")),
  ...all("catchup coalesce persistent", write("catch_up")),
  ...all("run_on_startup run_at_startup run_immediately", write("run_on_start")),
  ...all("type kind", write("dispatch_type")),
  ...all("id title", write("name")),
  ...all("tags annotations metadata", write("labels")),
  ...all("args kwargs params parameters data", IN_TASK),
  ...all("retries retry max_retries retry_delay retry_count backoff_limit", NO_RETRY),
  ...all("concurrency_policy concurrency max_instances max_active_runs overlap", NO_OVERLAP),
  minutes: "write 'interval_seconds', 60 for each minute",
  hours: "write 'interval_seconds', 3600 for each hour",
  ...all("command run script func", "a worker does the work: write 'task.worker_type'"),
  condition: "where nothing is to be done, a function of 'expand_from' returns an empty list",
}));

/**
 * Returns what to say of a key that other schedulers have, or null.
 *
 * @param level where it stands; `block` is what is sent
 */
export function borrowedKey(
  key: string,
  value: unknown,
  level: "file" | "entry" | "block",
): Advice | null {
  const word = normalized(key);
  if (STOPS.has(word) || RUNS.has(word)) {
    const isHarmless = value === null || value === RUNS.has(word);
    return isHarmless
      ? { isError: false, text: "an entry fires unless it says 'enabled: false'" }
      : { isError: true, text: "it would fire all the same: write 'enabled: false' in the entry" };
  }
  if (level === "block") return null;
  if (MOVES.has(word)) {
    const text = "write the time as 'cron', such as \"30 8 * * *\" for each day at 08:30, or " +
      '"0 30 8 1 3 * 2027" for once, on 1 March 2027';
    return { isError: true, text };
  }
  if (REDIRECTS.has(word)) {
    const text = "goals go to heddle.goals.incoming and tasks to heddle.tasks.incoming, nowhere " +
      "else: for a subject of your own write 'dispatch_type: message' and 'message.subject'";
    return { isError: true, text };
  }
  const text = INSTEAD.get(word);
  const isForLevel = level === "entry" || text === write("timezone");
  return text !== undefined && isForLevel ? { isError: false, text } : null;
}

function write(key: string): string {
  return `write '${key}'`;
}

function all(list: string, text: string): Record<string, string> {
  return Object.fromEntries(list.split(" ").map((word) => [word, text]));
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}
