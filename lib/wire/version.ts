import denoJson from "../../deno.json" with { type: "json" };

/** The version of this program. */
export const VERSION: string = denoJson.version;

/** The day on which {@link VERSION} was last changed: no clock that is set shows an earlier one. */
export const RELEASE_DATE = "2026-11-27";
