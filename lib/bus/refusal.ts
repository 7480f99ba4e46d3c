import type { JsonObject } from "./message_bus.ts";

/** Why a request was not delivered; `code` is one of the control API's. */
export interface Refusal {
  readonly code: "malformed" | "busy";
  readonly reason: string;
}

/** Returns the reply to a request that was not delivered. */
export function refusalReply(subject: string, { code, reason }: Refusal): JsonObject {
  return { status: "error", code, error: `The request on "${subject}" ${reason}` };
}

/** The default of {@link SubscribeOptions.maxBytes}. */
export const DEFAULT_MAX_BYTES = 8 * 2 ** 20;

export function tooLarge(bytes: number, maxBytes: number): Refusal {
  return { code: "malformed", reason: `has ${bytes} bytes, more than ${maxBytes}` };
}

export const TOO_MANY: Refusal = {
  code: "busy",
  reason: "was not read: too many wait already; ask again later",
};
