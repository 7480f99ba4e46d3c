import { Command } from "commander";
import { CONFIG_JSON_SCHEMA } from "../../config/config_schema.ts";
import type { SetExitCode } from "../exit_codes.ts";
import { print } from "../print.ts";

/** `schema`: prints the configuration's JSON Schema, for editors. */
export function schemaCommand(_setExitCode: SetExitCode): Command {
  return new Command("schema")
    .description("print the configuration's JSON Schema, for editors")
    .action(() => print(JSON.stringify(CONFIG_JSON_SCHEMA, null, 2)));
}
