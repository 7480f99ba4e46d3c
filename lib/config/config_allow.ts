import {
  DEFAULT_EXPAND_ALLOW,
  type ExpandAllow,
  netProblem,
  readProblem,
} from "../expansion/expand_allow.ts";
import { isPlainObject } from "../internal/plain_object.ts";
import { type Finding, shown } from "./config_problem.ts";

/** Reads `expand_allow`, whose structure is checked elsewhere, and reports what is wrong in its lists. */
export function readExpandAllow(value: unknown, report: (finding: Finding) => void): ExpandAllow {
  if (!isPlainObject(value)) return DEFAULT_EXPAND_ALLOW;
  const listOf = (key: keyof ExpandAllow, problemOf: (item: unknown) => string | null) => {
    const list: unknown = value[key];
    if (!Array.isArray(list)) return DEFAULT_EXPAND_ALLOW[key];
    for (const [index, item] of list.entries()) {
      const problem = problemOf(item);
      if (problem === null) continue;
      const message = `Top level: 'expand_allow.${key}[${index}]' is ${shown(item)}: ${problem}`;
      report({ severity: "error", message, at: ["expand_allow", key, index] });
    }
    return list as string[];
  };
  return { read: listOf("read", readProblem) ?? [], net: listOf("net", netProblem) };
}
