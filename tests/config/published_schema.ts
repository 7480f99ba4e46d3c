/**
 * The file of the repository that is made from the configuration's schema. Write it anew after a
 * change of it:
 *
 *   deno task generate
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { CONFIG_JSON_SCHEMA } from "../../lib/config/config_schema.ts";

/** Returns the path of the published schema, and what should stand there. */
export function publishedSchema(): [path: string, text: string] {
  const url = new URL("../../lib/config/schedules.schema.json", import.meta.url);
  return [fileURLToPath(url), JSON.stringify(CONFIG_JSON_SCHEMA, null, 2) + "\n"];
}

if (import.meta.main) await Deno.writeTextFile(...publishedSchema());
