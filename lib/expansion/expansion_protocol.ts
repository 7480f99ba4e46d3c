/**
 * The messages between the scheduler and the worker in which user code runs; used on both sides, and
 * by the process between them. A request is one JSON object. Each answer is a series of replies, the
 * last of which is `done` or `failed`. A reply is one JSON text, so that it is passed on unread.
 *
 * @module
 */
import { isPlainObject } from "../internal/plain_object.ts";
import type { ExpansionErrorKind } from "./expansion_error.ts";

/** The first argument of a program that is to run expansion functions, and do nothing else. */
export const EXPANSION_HOST_ARGUMENT = "--expansion-host";

/** The most objects one expansion may return. */
export const MAX_OBJECTS = 100_000;
/** The most characters of JSON one object may take; a NATS server takes no larger message. */
export const MAX_OBJECT_CHARACTERS = 2 ** 20;
/** The most characters of JSON all objects of one expansion may take. */
export const MAX_RESULT_CHARACTERS = 64 * 2 ** 20;

export interface ExpansionRequest {
  /** Absolute path of the module. */
  file: string;
  exportName: string;
  /** What the function is called with. */
  argument: ExpansionArgument;
}

/** The one argument of an expansion function. */
export interface ExpansionArgument {
  /** The entry's name. */
  schedule: string;
  /** The due instant, RFC 3339 in UTC. */
  scheduledFor: string;
  /** The entry's `expand_with`; empty without one. */
  with: Readonly<Record<string, unknown>>;
}

/** Why a call gave no objects. */
export interface Failure {
  kind: ExpansionErrorKind;
  reason: string;
  /** Where in the user's code, `file:///…:line:column`. */
  at?: string;
  stack?: string;
  /** Where an export was missing, those that are functions. */
  functions?: string[];
  /** Whether the place where it ran is of no further use. */
  fatal?: boolean;
}

/** Some of the objects, or the end of the answer. */
export type Reply =
  | Record<string, unknown>[]
  | { type: "done" }
  | { type: "failed"; failure: Failure };

export const DONE = JSON.stringify({ type: "done" } satisfies Reply);

export function failedReply(failure: Failure): string {
  return JSON.stringify({ type: "failed", failure } satisfies Reply);
}

/** @throws where `text` is no reply: what comes from user code's process is not trusted */
export function parseReply(text: string): Reply {
  const reply = JSON.parse(text);
  if (Array.isArray(reply)) {
    const wrong = reply.findIndex((each) => !isPlainObject(each));
    if (wrong >= 0) throw new TypeError(`no object at index ${wrong}`);
    return reply;
  }
  const isReply = isPlainObject(reply) &&
    (reply.type === "done" || reply.type === "failed" && isPlainObject(reply.failure));
  if (!isReply) throw new TypeError(`no reply begins with ${text.slice(0, 20)}`);
  return reply as unknown as Reply;
}
