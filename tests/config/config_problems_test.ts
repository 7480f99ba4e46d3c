import { checkRow } from "./check_row.ts";
import { STRUCTURE } from "./config_problem_rows.ts";
import { PLAIN, RULES } from "./config_rule_rows.ts";
import { YAML } from "./config_yaml_rows.ts";

for (const row of [...STRUCTURE, ...RULES, ...PLAIN, ...YAML]) {
  Deno.test(`reported, with its place: ${row.promise}`, () => checkRow(row));
}
