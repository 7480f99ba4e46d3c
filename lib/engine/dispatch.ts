import type { TraceContext } from "../trace/tracing.ts";
import { dispatchUuid, type Identity, occurrenceId } from "../wire/identity.ts";
import type { Wire } from "../wire/vocabulary.ts";
import { messagesOf } from "../wire/wire.ts";
import type { JsonObject } from "../bus/message_bus.ts";
import { type ScheduleEntry, subjectOf } from "../config/schedule_entry.ts";

/** A message that is ready to publish. */
export interface Dispatch {
  /** The message's `goal_id` or `task_id`; that of a message of one's own is only in its headers. */
  readonly id: string;
  readonly subject: string;
  readonly message: JsonObject;
  readonly headers: Record<string, string>;
}

/** The values that all dispatches of a firing share. Both instants are in RFC 3339, UTC. */
export interface Occurrence extends Origin {
  /** The prefix of every dispatch's name; null for a manual firing. */
  readonly id: string | null;
  readonly scheduledFor: string;
}

/** What a message says of its sending. */
export interface Origin {
  /** The scheduler's name. */
  readonly scheduler: string;
  readonly wire: Wire;
  /** An instant in RFC 3339, UTC. */
  readonly createdAt: string;
}

/** Returns the identity of the dispatch at position `index` of the expansion. */
export function identityOf(
  { id, scheduledFor }: Pick<Occurrence, "id" | "scheduledFor">,
  index = 0,
): Identity {
  if (id === null) {
    const random = crypto.randomUUID();
    return { scheduledFor, id: random, messageId: random };
  }
  const messageId = `${id}/${index}`;
  return { scheduledFor, id: dispatchUuid(messageId), messageId };
}

/** Returns the occurrence of a firing. With `byHand`, its dispatches get random identities. */
export function occurrenceOf(
  entry: ScheduleEntry,
  { byHand = false, ...others }: Omit<Occurrence, "id"> & { byHand?: boolean },
): Occurrence {
  const id = byHand ? null : occurrenceId({ ...others, entry: entry.name });
  return { id, ...others };
}

/** The optional parts of a dispatch. */
export interface Carried {
  /** One object of the entry's expansion, where it has one. */
  expansion?: Readonly<Record<string, unknown>>;
  /** The term of the lease under which it is sent; null without leases. */
  term?: number | null;
  /** The context of the span that publishes it. */
  trace?: TraceContext;
}

/**
 * Returns the message of `entry` for one object of its expansion, which is merged over the entry's
 * own context or payload: shallowly, with precedence for the object.
 */
export function dispatchOf(
  entry: ScheduleEntry,
  { id, messageId, scheduledFor }: Identity,
  { scheduler, wire, createdAt }: Origin,
  { expansion, term = null, trace }: Carried = {},
): Dispatch {
  const headers: Record<string, string> = {
    ...entry.messageConfig?.headers,
    "Nats-Msg-Id": messageId,
    "Heddle-Schedule": entry.name,
    "Heddle-Scheduled-For": scheduledFor,
  };
  if (term !== null) headers["Heddle-Term"] = String(term);
  if (trace !== undefined) Object.assign(headers, trace);

  const subject = subjectOf(entry);
  if (entry.dispatchType === "message") {
    return {
      id: messageId,
      subject,
      message: { ...entry.messageConfig.payload, ...expansion },
      headers,
    };
  }
  const common = { scheduler, occurredAt: scheduledFor, createdAt, traceContext: trace };
  if (entry.dispatchType === "goal") {
    const { instruction, context, priority } = entry.goalConfig;
    const message = messagesOf(wire).goal({
      ...common,
      goalId: id,
      instruction,
      context: expansion === undefined ? context : { ...context, ...expansion },
      priority,
    });
    return { id, subject, message, headers };
  }
  const { workerType, payload, modelTier, priority } = entry.taskConfig;
  const message = messagesOf(wire).task({
    ...common,
    taskId: id,
    workerType,
    payload: expansion === undefined ? payload : { ...payload, ...expansion },
    modelTier,
    priority,
    metadata: { scheduled_by: entry.name, scheduled_for: scheduledFor },
  });
  return { id, subject, message, headers };
}
