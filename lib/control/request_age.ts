import { parseInstant } from "../config/config_values.ts";
import type { FireRequest } from "./control_api.ts";
import { ControlError } from "./control_request.ts";

/** The time-out of a request that has an instant and no time-out. */
const DEFAULT_TIMEOUT_MS = 60_000;
/** The limit by which the clock of the sender may be ahead of ours. */
const MAX_AHEAD_MS = 1000;

/**
 * Returns the instant until which a request to fire may be carried out, in milliseconds since the
 * epoch; undefined for one that has neither an instant nor a time-out.
 *
 * @param now the time by this scheduler's clock
 * @throws {ControlError} `expired`, when the sender does not wait for it any more
 */
export function deadlineOf({ sent_at, timeout_ms }: FireRequest, now: number): number | undefined {
  if (sent_at === undefined) return timeout_ms === undefined ? undefined : now + timeout_ms;
  const timeout = timeout_ms ?? DEFAULT_TIMEOUT_MS;
  const age = now - Number(parseInstant(sent_at));
  if (age < -MAX_AHEAD_MS) {
    throw expired(`"sent_at" lies ${seconds(-age)} ahead of this scheduler's clock`, age);
  }
  if (age > 2 * timeout) {
    throw expired(`it was sent ${seconds(age)} ago, more than twice its time-out`, age);
  }
  if (age > timeout) {
    throw new ControlError(
      "expired",
      `Nothing was fired: the request was sent ${seconds(age)} ago, and its time-out is ` +
        `${seconds(timeout)}`,
    );
  }
  return now - Math.max(age, 0) + timeout;
}

function expired(what: string, age: number): ControlError {
  return new ControlError(
    "expired",
    `Nothing was fired: ${what}, so the sender's clock and this one seem to differ by ` +
      `about ${seconds(Math.abs(age))}`,
  );
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
