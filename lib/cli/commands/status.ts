import { Command, Option } from "commander";
import { DEFAULTS } from "../../config/config_schema.ts";
import { notesOf } from "../../config/schedule_entry.ts";
import type { DeliveryStatus, EntryStatus, StatusReply } from "../../control/control_api.ts";
import { MAX_ERROR_CHARACTERS } from "../../control/control_status.ts";
import { systemClock } from "../../time/clock.ts";
import { addAskOptions, type AskOptions, askScheduler, type RemoteScheduler } from "../ask.ts";
import { EXIT, type SetExitCode } from "../exit_codes.ts";
import { span } from "../spans.ts";
import { StdoutLines } from "../stdout_lines.ts";
import { table } from "../text_table.ts";

interface StatusOptions extends AskOptions {
  entry?: string;
  format: "text" | "json";
}

const DEFAULT_TIMEOUT_SECONDS = 2;

/** `status`: prints the state of a running scheduler and its entries. */
export function statusCommand(setExitCode: SetExitCode): Command {
  const command = new Command("status")
    .description("show the state of a running scheduler; exits 1 when none answers")
    .option("--entry <name>", "this entry only")
    .addOption(
      new Option("--format <format>", "of the output").choices(["text", "json"]).default("text"),
    );
  return addAskOptions(command, DEFAULT_TIMEOUT_SECONDS)
    .action(async (options: StatusOptions) => setExitCode(await status(options)));
}

async function status(options: StatusOptions): Promise<number> {
  const { entry, format } = options;
  return await askScheduler(options, async (scheduler) => {
    const replies = await scheduler.askEach((replica) => ask(scheduler, replica, entry));
    const out = new StdoutLines();
    const merged = merge(replies);
    if (format === "json") out.write(JSON.stringify(merged));
    else {
      for (const line of textOf(merged, replies)) out.write(line);
      if (entry !== undefined) { for (const line of detailsOf(merged)) out.write(line); }
    }
    out.flush();
    return EXIT.ok;
  });
}

/** Returns all entries of one replica, from as many answers as that takes. */
async function ask(
  scheduler: RemoteScheduler,
  replica: string | undefined,
  entry: string | undefined,
): Promise<StatusReply> {
  const addressed = replica === undefined ? {} : { replica };
  const entries: EntryStatus[] = [];
  for (let after: string | null = null;;) {
    const reply: StatusReply = await scheduler.ask({
      action: "status",
      ...addressed,
      ...(entry !== undefined && { entry }),
      ...(after !== null && { after }),
    });
    entries.push(...reply.entries.map(renamed));
    after = reply.next_after;
    if (after === null) return { ...reply, entries };
  }
}

/** A scheduler of an earlier development version says `free` for `not_held`. */
function renamed(entry: EntryStatus): EntryStatus {
  const lease: string | undefined = entry.lease;
  return lease === "free" ? { ...entry, lease: "not_held" } : entry;
}

/**
 * Returns of each entry the state at the replica that fires it, else at the one that fired it last.
 */
function merge(replies: readonly StatusReply[]): StatusReply {
  const [first] = replies as [StatusReply];
  if (replies.length === 1) return first;
  const byName = new Map<string, EntryStatus>();
  for (const { entries } of replies) {
    for (const entry of entries) {
      const other = byName.get(entry.name);
      if (other === undefined || rank(entry) > rank(other)) byName.set(entry.name, entry);
    }
  }
  const next = replies.flatMap(({ next_fire }) => next_fire ?? []).sort()[0] ?? null;
  return { ...first, next_fire: next, entries: [...byName.values()] };
}

function rank({ lease, last }: EntryStatus): number {
  const holds = lease === "held" ? 2 : lease === "lapsed" ? 1 : 0;
  return holds * 1e15 + (last === null ? 0 : Date.parse(last.ended_at));
}

function textOf(status: StatusReply, replies: readonly StatusReply[]): string[] {
  const { name, version, running_since, waiting_for, bus_connected, paused } = status;
  const { delivery, name_shared_with = [], last_reload, clock_set_back, entries } = status;
  const now = systemClock.now();
  const since = running_since === null ? "starting" : `running since ${running_since}`;
  const lines = [`${name}: ${since}, heddle-scheduler ${version}`];
  if (waiting_for !== undefined) lines.push(waiting_for);
  if (!bus_connected) lines.push("not connected to its server");
  lines.push(...detoursOf(delivery?.subjects ?? [], bus_connected));
  if (paused.all) lines.push("all entries are paused");
  for (const other of name_shared_with) {
    lines.push(
      `${other} uses the same name: each entry fires in both; end one, or run all with --replicas`,
    );
  }
  if (last_reload?.outcome === "failed") {
    lines.push(`the reload at ${last_reload.at} failed; the schedules from before are in use:`);
    for (const { line, column, severity, message } of last_reload.problems) {
      lines.push(`  ${line ?? 1}:${column ?? 1}: ${severity}: ${message}`);
    }
  }
  if (clock_set_back !== undefined) {
    const { at, was_ahead, ahead_ms } = clock_set_back;
    const followed = was_ahead
      ? `the checkpoints follow it, since it was ${span(ahead_ms)} ahead of the server's`
      : "the checkpoints stay as they were, since it was not ahead of the server's";
    lines.push(`the clock was set back at ${at}: ${followed}`);
  }
  // 0.1.0 does not say it; replicas may differ.
  const data = replies.flatMap(({ zone_data }) =>
    zone_data === undefined ? [] : `${zone_data.version ?? "unknown"} (${zone_data.source})`
  );
  if (data.length > 0) lines.push(`time zone data: ${[...new Set(data)].join(", ")}`);
  // That of Heddle's releases is not worth a line; 0.1.0 does not say it.
  if ((status.wire ?? DEFAULTS.wire) !== DEFAULTS.wire) lines.push(`wire: ${status.wire}`);
  for (const { replica, leases = [], shards } of replies) {
    if (replica === undefined) continue;
    const held = leases.length === 0 ? "no lease" : `lease ${leases.join(", ")} of ${shards}`;
    lines.push(`replica ${replica}: ${held}`);
  }
  const rows = entries.map((entry) => rowOf(entry, now));
  return [
    ...lines,
    "",
    ...table(["entry", "next", "last", "outcome", "late", "firings", "failed", "skipped"], rows),
  ];
}

/** The most lines about subjects whose dispatches do not go where they should. */
const MAX_DETOURS = 8;

function detoursOf(subjects: DeliveryStatus["subjects"], isConnected: boolean): string[] {
  const lines = subjects.flatMap(({ subject, via, stream, since, error }) => {
    if (via === "fallback") {
      return `${subject} goes over core NATS since ${since}: the stream ${stream} does not capture it any more`;
    }
    if (via !== "unknown" || !isConnected) return [];
    const why = error === undefined ? "" : `: ${error}`;
    return `${subject}: the server has not said since ${since} which stream captures it${why}`;
  });
  const more = lines.length - MAX_DETOURS;
  return more > 0 ? [...lines.slice(0, MAX_DETOURS), `the same of ${more} or more others`] : lines;
}

/** Returns lines about what the table has no column for. */
function detailsOf({ entries }: StatusReply): string[] {
  return entries.flatMap(
    ({ last, subject, for_each_of, catch_up, description = null, labels = {} }) => {
      const notes = notesOf({ description, labels });
      const error = last?.error?.slice(0, MAX_ERROR_CHARACTERS).replaceAll("\n", "\n  ");
      return [
        "",
        ...(notes === "" ? [] : [notes]),
        ...(error === undefined ? [] : [`error: ${error}`]),
        ...(subject === undefined ? [] : [`subject: ${subject}`]), // 0.1.0 does not say
        ...(for_each_of === undefined ? [] : [`for each of: ${for_each_of}`]),
        ...(catch_up === undefined ? [] : [`catch_up: ${catch_up}`]), // 0.1.0 does not say
      ];
    },
  );
}

function rowOf(entry: EntryStatus, now: number): string[] {
  const { name, enabled, paused, lease, next_fire, last, counts } = entry;
  const { dispatched = 0, empty = 0, failed = 0, ...skipped } = counts;
  const next = !enabled
    ? paused ? "disabled, paused" : "disabled"
    : paused
    ? "paused"
    : lease === "not_held" || lease === "lapsed"
    ? "no lease"
    : next_fire === null
    ? "never"
    : `in ${span(Date.parse(next_fire) - now)}`;
  return [
    name,
    next,
    last === null ? "-" : `${span(now - Date.parse(last.ended_at))} ago`,
    last?.outcome ?? "-",
    last === null ? "-" : span(last.lateness_ms),
    String(dispatched + empty),
    String(failed),
    String(Object.values(skipped).reduce((sum, each) => sum + each, 0)),
  ];
}
