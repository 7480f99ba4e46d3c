import { zoneSourceText } from "../time/zone.ts";
import { RELEASE_DATE, VERSION } from "../wire/version.ts";

/** A clock that was set by hand, in another zone, is not more wrong than this. */
const TOLERANCE_MS = 24 * 3600 * 1000;

/** Returns the text of `--version`: the program, the commit it was built from, Deno, V8, zone data. */
export function versionText(): string {
  const { deno, v8 } = Deno.version;
  const from = Deno.build.standalone ? `commit ${builtFrom().commit}` : "from source";
  return `heddle-scheduler ${VERSION} (${from}, deno ${deno}, v8 ${v8}, ${zoneSourceText()})`;
}

/**
 * Returns the first instant that a clock which is set can show to this program: a day before the
 * commit that it was built from, or before its release where that is not known.
 */
export function earliestClock(): Date {
  const committed = Deno.build.standalone ? Date.parse(builtFrom().date) : NaN;
  const built = Number.isNaN(committed) ? Date.parse(RELEASE_DATE) : committed;
  return new Date(built - TOLERANCE_MS);
}

/** Reads the file that deploy/compile.ts writes beside the program's modules. */
function builtFrom(): { commit: string; date: string } {
  try {
    const text = Deno.readTextFileSync(new URL("commit.txt", import.meta.url));
    const [commit = "", date = ""] = text.split("\n");
    return { commit, date };
  } catch {
    return { commit: "unknown", date: "" }; // compiled in another way
  }
}
