/**
 * The messages between the scheduler and the worker in which user code runs; used on both sides, and
 * by the process between them. A request is one JSON object. The answer begins with `returned` or
 * `failed`. What was returned then follows where the scheduler asks for it with `SEND`, once it has
 * room: lists of objects. A reply is one JSON text in UTF-8, so that it is passed on unread.
 *
 * @module
 */
import { isPlainObject } from "../internal/plain_object.ts";
import type { ExpansionErrorKind } from "./expansion_error.ts";
import type { UserAccess } from "./user_permissions.ts";

/** The first argument of a program that is to run expansion functions, and do nothing else. */
export const EXPANSION_HOST_ARGUMENT = "--expansion-host";

/** How a process ends that has used more memory than it may. */
export const OUT_OF_MEMORY_EXIT_CODE = 86;

/** The most objects one expansion may return. */
export const MAX_OBJECTS = 100_000;
/** The most JSON one object may take; a NATS server takes no larger message, unless it is told to. */
export const MAX_OBJECT_BYTES = 2 ** 20;
/** The most JSON all objects of one expansion may take. */
export const MAX_RESULT_BYTES = 16 * 2 ** 20;
/**
 * The most values one object may have, those inside others included. An empty list has three bytes of
 * JSON and takes fifty; this bounds the memory that the objects at hand take, and the time to read them.
 */
export const MAX_VALUES = 2 ** 15;
/** A list of objects is sent once it has this much JSON; one object may have more. */
export const MAX_LIST_BYTES = 32 * 2 ** 10;
/** A list of objects is sent once it has this many. */
export const MAX_LIST_OBJECTS = 100;
/** The largest reply is a list of one object. */
export const MAX_REPLY_BYTES = MAX_OBJECT_BYTES + 2;

/** The rest of a longer text in a failure is left out. */
const MAX_TEXT_CHARACTERS = 4000;
const MAX_FUNCTIONS = 50;
const MAX_NAME_CHARACTERS = 80;

/** What a process is told when it starts. */
export interface HostStart {
  access: UserAccess;
  /** How much memory it may take, beside the program itself. */
  memoryBytes: number;
}

export interface ExpansionRequest {
  /** Absolute path of the module. */
  file: string;
  exportName: string;
  /** What the function is called with. */
  argument: ExpansionArgument;
}

/** Asks for what was returned. */
export const SEND = "send";

/** What is said to the worker. */
export type ToWorker = ExpansionRequest | typeof SEND;

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

/** How much a call returned. */
export interface Returned {
  count: number;
  /** What the lists of objects take together. */
  bytes: number;
}

export interface Failed {
  type: "failed";
  failure: Failure;
}

export type Reply = Record<string, unknown>[] | { type: "returned"; returned: Returned } | Failed;

export function returnedReply(returned: Returned): Uint8Array {
  return encode({ type: "returned", returned });
}

export function failedReply(failure: Failure): Uint8Array {
  return encode({ type: "failed", failure: readFailure({ ...failure }) });
}

function encode(reply: Reply): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(reply));
}

/** @throws where `bytes` is no reply: what comes from user code's process is not trusted */
export function parseReply(bytes: Uint8Array): Reply {
  if (bytes.length > MAX_REPLY_BYTES) throw new TypeError(`it is longer than ${MAX_REPLY_BYTES} B`);
  if (valuesIn(bytes) > MAX_VALUES) throw new TypeError(`it has more than ${MAX_VALUES} values`);
  const reply: unknown = JSON.parse(new TextDecoder().decode(bytes));
  if (Array.isArray(reply)) {
    const wrong = reply.findIndex((each) => !isPlainObject(each));
    if (wrong >= 0) throw new TypeError(`there is no object at index ${wrong}`);
    if (reply.length === 0 || reply.length > MAX_LIST_OBJECTS) {
      throw new TypeError(`it is a list of ${reply.length} objects`);
    }
    if (reply.length > 1 && bytes.length > MAX_LIST_BYTES) {
      throw new TypeError(`it is a list of ${bytes.length} B`);
    }
    return reply;
  }
  if (isPlainObject(reply) && reply.type === "returned" && isPlainObject(reply.returned)) {
    return { type: "returned", returned: readReturned(reply.returned) };
  }
  if (isPlainObject(reply) && reply.type === "failed" && isPlainObject(reply.failure)) {
    return { type: "failed", failure: readFailure(reply.failure) };
  }
  throw new TypeError("it is no known message");
}

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [...'"\\,[{'].map((each) => each.charCodeAt(0));

/** The number of values in JSON, or fewer where it is so short that it cannot have too many. */
export function valuesIn(json: Uint8Array): number {
  if (json.length <= 2 * MAX_VALUES) return 1;
  let values = 1;
  let isText = false;
  for (let place = 0; place < json.length; place++) {
    const byte = json[place]!;
    if (byte === QUOTE) isText = !isText;
    else if (isText) place += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA) values++;
    // What closes it stands two places behind what opens it, in ASCII too.
    else if ((byte === BRACKET || byte === BRACE) && json[place + 1] !== byte + 2) values++;
  }
  return values;
}

function readReturned({ count, bytes }: Record<string, unknown>): Returned {
  const within = (value: unknown, most: number): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most;
  if (!within(count, MAX_OBJECTS) || !within(bytes, MAX_RESULT_BYTES)) {
    throw new TypeError("it announces too much");
  }
  return { count, bytes };
}

const KINDS: readonly unknown[] = ["import", "call", "bad_return"] satisfies ExpansionErrorKind[];

/** Reads a failure; cuts what is too long, and leaves out what cannot be read. */
function readFailure(
  { kind, reason, at, stack, functions, fatal }: Record<keyof Failure, unknown> | Failure,
): Failure {
  const text = (value: unknown) =>
    typeof value === "string" ? value.slice(0, MAX_TEXT_CHARACTERS) : undefined;
  const names = Array.isArray(functions)
    ? functions.slice(0, MAX_FUNCTIONS).filter((name) => typeof name === "string")
      .map((name) => name.slice(0, MAX_NAME_CHARACTERS))
    : undefined;
  return {
    kind: KINDS.includes(kind) ? kind as ExpansionErrorKind : "call",
    reason: text(reason) ?? "it does not say why",
    at: text(at),
    stack: text(stack),
    functions: names,
    fatal: fatal === true,
  };
}
