/**
 * What the scheduler and the place where expansion functions run say to each other. A request is
 * one JSON object; each answer is a series of replies, the last of which is `done` or `failed`.
 *
 * @module
 */
import type { ExpansionErrorKind } from "./expansion_error.ts";

/** The most objects one expansion may return. */
export const MAX_OBJECTS = 100_000;
/** The most characters of JSON one object may take; a NATS server takes no larger message. */
export const MAX_OBJECT_SIZE = 2 ** 20;
/** The most characters of JSON all objects of one expansion may take. */
export const MAX_RESULT_SIZE = 64 * 2 ** 20;

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

/** Replies are text so that they pass on unread: the first character says which one follows. */
export type Reply =
  | { type: "objects"; json: string }
  | { type: "done" }
  | { type: "failed"; failure: Failure }
  | { type: "printed"; text: string };

export function encodeReply(reply: Reply): string {
  if (reply.type === "objects") return `o${reply.json}`;
  if (reply.type === "failed") return `f${JSON.stringify(reply.failure)}`;
  return reply.type === "printed" ? `p${reply.text}` : "d";
}

/** @throws {SyntaxError} for what {@link encodeReply} did not write */
export function decodeReply(text: string): Reply {
  const rest = text.slice(1);
  switch (text[0]) {
    case "o":
      return { type: "objects", json: rest };
    case "f":
      return { type: "failed", failure: JSON.parse(rest) };
    case "p":
      return { type: "printed", text: rest };
    case "d":
      return { type: "done" };
    default:
      throw new SyntaxError(`Cannot read a reply: it begins with "${text.slice(0, 20)}"`);
  }
}
