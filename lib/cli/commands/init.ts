import { Command, Option } from "commander";
import type { SetExitCode } from "../exit_codes.ts";
import { print } from "../print.ts";

interface InitOptions {
  expansion: boolean;
  types: boolean;
}

/** Every entry is valid as it stands, and none needs a file beside it. */
const SCHEDULES = `\
# The schedules of heddle-scheduler. Check them:  heddle-scheduler validate
# What fires next:                                heddle-scheduler next
# Try them without a server:                      heddle-scheduler --bus memory

name: my_scheduler # status, fire and reload find the scheduler by it
timezone: UTC # of the entries that name none, such as Europe/Berlin

schedules:
  # A goal at a time of day: minute, hour, day of month, month, day of week.
  - name: morning_report
    cron: "30 8 * * MON-FRI"
    misfire_grace_seconds: 600 # skipped where it would be more than ten minutes late
    dispatch_type: goal
    goal:
      instruction: Write the morning report
      context: { audience: team }

  # A task at an interval, counted from the start of the scheduler.
  - name: heartbeat
    interval_seconds: 60
    dispatch_type: task
    task:
      worker_type: health_checker
      payload: { check: system }

  # A message to a subject of your own, for programs that know nothing of Heddle.
  - name: refresh_cache
    cron: "*/10 * * * *"
    dispatch_type: message
    message:
      subject: jobs.cache.refresh
      payload: { scope: all }

  # One task for each object that a function returns. To begin with it:
  #   mkdir expansions && heddle-scheduler init --expansion > expansions/sessions.ts
  # - name: session_digest
  #   cron: "*/15 * * * *"
  #   expand_from: ./expansions/sessions.ts#getActive
  #   dispatch_type: task
  #   task:
  #     worker_type: summarizer
  #     payload: { style: brief }
`;

const EXPANSION = `\
// The types come from:  heddle-scheduler init --types > expansions/heddle.d.ts
import type { Expansion } from "./heddle.d.ts";

/** Returns one object for each message; each is merged over the payload or context of the entry. */
export const getActive: Expansion = ({ schedule, scheduledFor }) => {
  return [
    { session_id: "s1", until: scheduledFor },
    { session_id: "s2", until: scheduledFor, asked_by: schedule },
  ];
};
`;

const TYPES = `\
/** What a function that expand_from names is called with. */
export interface ExpansionContext {
  /** The name of the entry. */
  schedule: string;
  /** The instant at which it was due, such as "2026-03-01T08:00:00.000Z". */
  scheduledFor: string;
  /** What the entry says as expand_with; an empty object where it says nothing. */
  with: Record<string, unknown>;
}

/** A function that expand_from names: it returns one plain object for each message. */
export type Expansion = (
  context: ExpansionContext,
) => Record<string, unknown>[] | Promise<Record<string, unknown>[]>;
`;

/** `init`: prints files to begin with. It writes none, so the program needs no permission to. */
export function initCommand(_setExitCode: SetExitCode): Command {
  return new Command("init")
    .description("print a commented file to begin with: init > schedules.yaml")
    .addOption(
      new Option("--expansion", "print a sample function for expand_from instead")
        .default(false).conflicts("types"),
    )
    .option("--types", "print the types of such functions instead", false)
    .action(({ expansion, types }: InitOptions) => {
      const text = expansion ? EXPANSION : types ? TYPES : SCHEDULES;
      print(text.trimEnd());
    });
}
