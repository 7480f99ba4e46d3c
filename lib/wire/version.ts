import denoJson from "../../deno.json" with { type: "json" };

/** This program's. */
export const VERSION: string = denoJson.version;
