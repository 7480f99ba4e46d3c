import denoJson from "../../deno.json" with { type: "json" };

/** The version of this program. */
export const VERSION: string = denoJson.version;

/** The day on which {@link VERSION} was last changed: no clock that is set shows an earlier one. */
export const RELEASE_DATE = "2026-11-27";

/** The oldest Deno that runs the source: one before it cannot read the permissions in `deno.json`. */
export const MIN_DENO_VERSION = "2.6.0";

/** Returns what is wrong with a version of Deno, and what to do; null where it is recent enough. */
export function denoProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [minMajor, minMinor] = MIN_DENO_VERSION.split(".").map(Number) as [number, number];
  if (major > minMajor || (major === minMajor && minor >= minMinor)) return null;
  return `Cannot run on Deno ${version}: heddle-scheduler needs Deno ${MIN_DENO_VERSION} or later; ` +
    "`deno upgrade` gets it";
}
