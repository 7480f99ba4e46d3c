/**
 * The types of expansion functions, which `expand_from` names: for the modules that have them.
 *
 * @example
 * ```ts
 * import type { ExpansionContext } from "@heddle/scheduler/expansion";
 *
 * export function getActive({ schedule, with: { tenant } }: ExpansionContext) {
 *   return [{ tenant, note: `one message for ${schedule}` }];
 * }
 * ```
 *
 * @module
 */
import type { ExpansionArgument } from "./expansion/expansion_protocol.ts";

/** The one argument of an expansion function. */
export type ExpansionContext = ExpansionArgument;

/** An expansion function. One message is dispatched for each object that it returns. */
export type Expansion = (
  context: ExpansionContext,
) => readonly object[] | Promise<readonly object[]>;
