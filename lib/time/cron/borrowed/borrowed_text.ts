/**
 * Names texts that other programs read and cron does not, and says what to write in their place.
 *
 * @module
 */
import {
  calledByName,
  chosenByScheduler,
  command,
  inQuotes,
  prefixedZone,
  several,
  yearLast,
  zoneBeside,
} from "./other_fields.ts";
import { date, interval, timeOfDay, turnedOff, word } from "./no_fields.ts";
import type { IsCron, Rule } from "./rule.ts";

/** A longer text is not looked at: it takes time, and is no expression. */
const MAX_TEXT_CHARACTERS = 200;

const RULES: readonly Rule[] = [
  turnedOff,
  word,
  interval,
  prefixedZone,
  zoneBeside,
  calledByName,
  yearLast,
  chosenByScheduler,
  timeOfDay,
  date,
  several,
  inQuotes,
  command,
];

/**
 * Returns the problem of an invalid expression in other words, if it comes from another program.
 *
 * @param problem what is wrong with it as an expression
 */
export function borrowedText(source: string, problem: string, isCron: IsCron): string | null {
  const text = source.trim();
  if (text.length > MAX_TEXT_CHARACTERS) return null;
  for (const rule of RULES) {
    const words = rule(text, isCron, problem);
    if (words !== null) return words;
  }
  return null;
}
