/**
 * Puts state into the fields of the control API.
 *
 * @module
 */
import type { ConfigProblem } from "../config/config_problem.ts";
import { type ScheduleEntry, subjectOf } from "../config/schedule_entry.ts";
import { errorText } from "../internal/error_text.ts";
import type { Route } from "../durable/routes.ts";
import type { DeliveryMode } from "../wire/vocabulary.ts";
import type {
  ControlProblem,
  DeliveryStatus,
  EntryStatus,
  FiringStatus,
  StatusReply,
} from "./control_api.ts";
import { zoneSource } from "../time/zone.ts";
import type { FiringRecord, JobHistory } from "../engine/history.ts";

/** Longer error texts are cut. */
export const MAX_ERROR_CHARACTERS = 500;
const MAX_DESCRIPTION_CHARACTERS = 2000;
const MAX_LABEL_CHARACTERS = 200;
const MAX_LABELS = 50;
/** A subject may take 1 KiB, and an answer has to fit into a message. */
const MAX_SUBJECTS = 100;

/** Returns what the file says about an entry for people, short enough for an answer. */
export function notesStatus(
  entry: ScheduleEntry,
): Pick<EntryStatus, "subject" | "description" | "labels"> {
  const { description, labels } = entry;
  const pairs = Object.entries(labels).slice(0, MAX_LABELS)
    .map((pair) => pair.map((text) => text.slice(0, MAX_LABEL_CHARACTERS)));
  return {
    subject: subjectOf(entry),
    ...(description !== null && { description: description.slice(0, MAX_DESCRIPTION_CHARACTERS) }),
    ...(pairs.length > 0 && { labels: Object.fromEntries(pairs) }),
  };
}

/**
 * Returns the outcomes of an entry's firings.
 *
 * @param history null where there were none
 */
export function historyStatus(
  history: JobHistory | null,
): Pick<EntryStatus, "last" | "last_dispatched" | "counts" | "dispatches"> {
  if (history === null) return { last: null, last_dispatched: null, counts: {}, dispatches: 0 };
  const { last, lastDispatched, counts, dispatches } = history;
  const isOther = lastDispatched !== null && lastDispatched !== last;
  return {
    last: firingStatus(last),
    last_dispatched: isOther ? firingStatus(lastDispatched) : null,
    counts: { ...counts },
    dispatches,
  };
}

function firingStatus(record: FiringRecord): FiringStatus {
  const { scheduledFor, at, outcome, lateness, dispatches, error } = record;
  return {
    scheduled_for: instantText(scheduledFor),
    ended_at: instantText(at),
    outcome,
    lateness_ms: Math.round(lateness),
    dispatches,
    ...(error !== null && { error: error.slice(0, MAX_ERROR_CHARACTERS) }),
  };
}

/** Returns the routes; of many those that are not as they should be come first. */
export function deliveryStatus(
  { mode, routes }: { mode: DeliveryMode; routes: readonly Route[] },
): DeliveryStatus {
  const isDetour = ({ via }: Route) => via === "fallback" || via === "unknown";
  const left = Math.max(0, routes.length - MAX_SUBJECTS);
  const shown = left === 0
    ? routes
    : [...routes.filter(isDetour), ...routes.filter((route) => !isDetour(route))];
  return {
    mode,
    ...(left > 0 && { more_subjects: left }),
    subjects: shown.slice(0, MAX_SUBJECTS).map(({ subject, via, stream, since, error }) => ({
      subject,
      via,
      stream,
      since: instantText(since),
      ...(error !== null && { error: error.slice(0, MAX_ERROR_CHARACTERS) }),
    })),
  };
}

export function asControlProblem(problem: ConfigProblem): ControlProblem {
  const { severity, message, path, line, column } = problem;
  return {
    severity,
    message: message.slice(0, MAX_ERROR_CHARACTERS),
    path,
    line: line ?? null,
    column: column ?? null,
  };
}

/**
 * Returns an instant in RFC 3339.
 *
 * @param instant milliseconds since the epoch
 */
export function instantText(instant: number): string {
  return new Date(instant).toISOString();
}

/** Returns which time zone data is in use. */
export function zoneDataStatus(): StatusReply["zone_data"] {
  const { directory, version } = zoneSource();
  return { source: directory ?? "built-in", version };
}

/** Returns the text of an error, short enough for an answer. */
export function textOf(error: unknown): string {
  return errorText(error).slice(0, MAX_ERROR_CHARACTERS);
}
