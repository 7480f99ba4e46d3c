/**
 * The files of the repository that are made from the configuration's schema. Write them anew after
 * a change of it:
 *
 *   deno task generate
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { CONFIG_JSON_SCHEMA, ENTRY_SCHEMA, FILE_SCHEMA } from "../../lib/config/config_schema.ts";
import { Ajv, ajvStandalone } from "../deps.ts";

const CONFIG = new URL("../../lib/config/", import.meta.url);

/** Each file's path, and what should stand in it. */
export function generatedFiles(): [path: string, text: string][] {
  const path = (name: string) => fileURLToPath(new URL(name, CONFIG));
  return [
    [path("schedules.schema.json"), JSON.stringify(CONFIG_JSON_SCHEMA, null, 2) + "\n"],
    [path("config_check.js"), checkSource()],
  ];
}

/** What Ajv compiles the two schemas to: to do it at every start would take 20 ms of it. */
function checkSource(): string {
  const ajv = new Ajv({
    allowUnionTypes: true,
    allErrors: true,
    verbose: true,
    code: { source: true, esm: true, lines: true },
  });
  ajv.addSchema(keywordsOnly(FILE_SCHEMA), "file").addSchema(keywordsOnly(ENTRY_SCHEMA), "entry");
  const required = 'require("ajv/dist/runtime/ucs2length").default';
  const parts = ajvStandalone.default(ajv, { checkFile: "file", checkEntry: "entry" })
    .split(required);
  if (parts.length !== 2 || /\brequire\(/.test(parts.join())) {
    throw new Error("Ajv's code needs something of Ajv's that is not known here");
  }
  return "// Generated from config_schema.ts by `deno task generate`: do not edit.\n" +
    "// deno-fmt-ignore-file\n// deno-lint-ignore-file\n// @ts-nocheck: Ajv's code\n" +
    parts.join("(text) => [...text].length") + "\n";
}

const ANNOTATIONS = ["title", "description", "examples", "default"];

/** The schema without what is meant for people: errors refer to it as a whole. No key is named so. */
function keywordsOnly(schema: object): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => ANNOTATIONS.includes(key) ? undefined : value),
  );
}

if (import.meta.main) {
  for (const [path, text] of generatedFiles()) await Deno.writeTextFile(path, text);
}
