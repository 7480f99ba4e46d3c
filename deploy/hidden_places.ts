/**
 * Takes the directories of the machine that builds out of a bundle: where it keeps its packages and
 * the sources is nobody's business, names its user, and differs on the next one.
 *
 * @module
 */
import nodePath from "node:path";

/** A directory, and what stands for it and the separator behind it. */
export interface HiddenPlace {
  readonly directory: string;
  readonly name: string;
  /** Whether one more directory, below it, is hidden with it. */
  readonly withNext?: boolean;
}

/** As it is, or escaped in a string. */
const SEPARATOR = String.raw`(?:\/|\\{1,2})`;

/**
 * Returns `text` without the places. A bundle writes a path relative to the directory that it was made
 * in, absolute where that is on another drive, or as a URL; with either separator.
 *
 * @param from the directory that the bundle was made in
 */
export function hidePlaces(
  text: string,
  places: readonly HiddenPlace[],
  from: string,
  { relative }: Pick<typeof nodePath, "relative"> = nodePath,
): string {
  for (const { directory, name, withNext = false } of places) {
    const next = withNext ? `[^\\\\/"]+${SEPARATOR}` : "";
    for (const path of [directory, relative(from, directory)]) {
      if (!/[^./\\]/.test(path)) continue; // "../.." names nothing
      const steps = path.split(/[\\/]/);
      for (const spelled of [steps, steps.map(encodeURI)]) {
        const pattern = String.raw`(?<![\w.@-])` + spelled.map(RegExp.escape).join(SEPARATOR) +
          SEPARATOR + next;
        text = text.replace(new RegExp(pattern, "gi"), () => name);
      }
    }
  }
  return text;
}
