import assert from "node:assert/strict";
import { convertCrontab } from "../../lib/crontab/crontab.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";

export const OPTIONS = {
  name: "crontab",
  workerType: "shell",
  timezone: "Europe/Berlin",
  isSystem: false,
};

/** Converts a crontab, and sees that the result is valid. */
export function convert(text: string, options = {}) {
  const converted = convertCrontab(text, { ...OPTIONS, ...options });
  const { config, problems } = parseSchedulerConfig(converted.yaml);
  assert.deepEqual(problems, [], `The result is valid:\n${converted.yaml.slice(0, 2000)}`);
  assert.equal(config!.entries.length, converted.entries);
  const told = converted.problems.map(({ line, column, severity, message }) =>
    `${line}:${column}: ${severity}: ${message}`
  );
  return { ...converted, told, entries: config!.entries };
}

/** The one entry of a crontab without a problem. */
export function entryOf(text: string, options = {}) {
  const { entries, told } = convert(text, options);
  assert.deepEqual(told, []);
  assert.equal(entries.length, 1);
  return entries[0]!;
}
