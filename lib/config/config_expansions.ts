/**
 * Warns of expansion functions that are not there. Their modules are not loaded.
 *
 * @module
 */
import { ExpansionError } from "../expansion/expansion_error.ts";
import { resolveExpandFrom } from "../expansion/expansion_path.ts";
import { exportsWithout } from "../expansion/module_exports.ts";
import { errorText } from "../internal/error_text.ts";
import { suggestion } from "../internal/suggestion.ts";
import { type Finding, shown } from "./config_problem.ts";
import type { ScheduleEntry } from "./schedule_entry.ts";

/** What is longer is not looked into. */
const MAX_MODULE_BYTES = 2 ** 20;

/**
 * Returns a warning for each entry whose `expand_from` names no file, or no export of it.
 *
 * @param entries all entries of the configuration
 * @param root the directory that `expand_from` counts from
 */
export async function missingExpansions(
  entries: readonly ScheduleEntry[],
  root: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  /** What is wrong with each `expand_from`, which many entries may share. */
  const problems = new Map<string, string | null>();
  const texts = new Map<string, string | null>();
  for (const [index, { name, expandFrom }] of entries.entries()) {
    if (expandFrom === null) continue;
    let problem = problems.get(expandFrom);
    if (problem === undefined) {
      problem = await problemOf(expandFrom, root, texts);
      problems.set(expandFrom, problem);
    }
    if (problem === null) continue;
    findings.push({
      severity: "warning",
      message: `schedules[${index}] ${shown(name)}: ${problem}`,
      at: ["schedules", index, "expand_from"],
    });
  }
  return findings;
}

async function problemOf(
  expandFrom: string,
  root: string,
  texts: Map<string, string | null>,
): Promise<string | null> {
  try {
    const { file, path, exportName } = await resolveExpandFrom(expandFrom, root);
    if (!texts.has(file)) texts.set(file, await textOf(file));
    const text = texts.get(file);
    const names = text == null ? null : exportsWithout(exportName, text);
    return names &&
      `'expand_from' is ${shown(expandFrom)}: ${shown(path)} does not export ` +
        `${shown(exportName)}${suggestion(exportName, names)}`;
  } catch (error) {
    if (!(error instanceof ExpansionError)) return `'expand_from': ${errorText(error)}`;
    return error.message;
  }
}

/** Returns the text of a module, or null where it cannot be had: to load it will say why. */
async function textOf(file: string): Promise<string | null> {
  try {
    const { size } = await Deno.stat(file);
    return size > MAX_MODULE_BYTES ? null : await Deno.readTextFile(file);
  } catch {
    return null;
  }
}
