/** A setting of the environment for the lines that follow. */
export interface CrontabVariable {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads `name = value`, as cronie's and Vixie's load_env do: spaces around the equal sign do not
 * count, and either side may stand in quotes, single or double. There is no expansion.
 *
 * @param line without leading blanks
 * @returns null where the line is no setting, so that it must be a job
 */
export function readCrontabVariable(line: string): CrontabVariable | null {
  const name = readName(line);
  if (name === null) return null;
  const rest = line.slice(name.end).replace(BLANKS_AROUND, "");
  const quote = rest.charAt(0);
  if (quote !== '"' && quote !== "'") return { name: name.text, value: rest };
  // What follows the closing quote makes the line no setting at all.
  const end = rest.indexOf(quote, 1);
  return end === rest.length - 1 && end > 0 ? { name: name.text, value: rest.slice(1, end) } : null;
}

/** What C's isspace takes for a blank, within a line. */
const BLANKS_AROUND = /^[ \t\v\f\r]+|[ \t\v\f\r]+$/g;
const NAME = /^(?:"([^"=]*)"|'([^'=]*)'|([^ \t\v\f\r='"][^ \t\v\f\r=]*)?)[ \t\v\f\r]*=/;

/** The name, and where the value begins. */
function readName(line: string): { text: string; end: number } | null {
  const match = NAME.exec(line);
  if (!match) return null;
  const text = match[1] ?? match[2] ?? match[3] ?? "";
  return { text, end: match[0].length };
}
