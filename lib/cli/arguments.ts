/** What several commands read from their command lines. */
import { InvalidArgumentError } from "commander";
import { parseInstant } from "../config/config_values.ts";

/** @throws {InvalidArgumentError} unless it is an instant such as `2026-03-28T00:00:00Z` */
export function instantArgument(text: string): Date {
  const parsed = parseInstant(text);
  if (typeof parsed === "string") throw new InvalidArgumentError(parsed);
  return parsed;
}

/** @throws {InvalidArgumentError} unless it is a whole number from `least` to `most` */
export function countArgument(least: number, most: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= least && count <= most) return count;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}
