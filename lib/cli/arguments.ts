/** Parsers of arguments that several commands have. */
import { InvalidArgumentError } from "commander";
import { parseInstant } from "../config/config_values.ts";

/**
 * Parses an instant such as `2026-03-28T00:00:00Z`.
 *
 * @throws {InvalidArgumentError} where it is none
 */
export function instantArgument(text: string): Date {
  const parsed = parseInstant(text);
  if (typeof parsed === "string") throw new InvalidArgumentError(parsed);
  return parsed;
}

/**
 * Returns a parser of whole numbers from `min` to `max`.
 *
 * @throws {InvalidArgumentError} by the parser, for everything else
 */
export function countArgument(min: number, max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (/^\d+$/.test(text) && count >= min && count <= max) return count;
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}`);
  };
}
