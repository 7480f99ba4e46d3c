/**
 * `deno task bench [name…]`: runs the benchmarks, or those that are named, one after another.
 *
 * @module
 */
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { LOCK } from "./apart.ts";

const DIRECTORY = new URL(".", import.meta.url);
const SUFFIX = "_bench.ts";

const names = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name)
  .filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).sort();
const unknown = Deno.args.find((name) => !names.includes(name));
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}", only ${names.join(", ")}`);
  Deno.exit(2);
}
console.log(`${cpus().length} × ${cpus()[0]?.model}, Deno ${Deno.version.deno}`);
for (const name of Deno.args.length > 0 ? Deno.args : names) {
  const file = fileURLToPath(new URL(`${name}${SUFFIX}`, DIRECTORY));
  const args = ["run", "-A", `--lock=${LOCK}`, file];
  const { code } = await new Deno.Command(Deno.execPath(), { args }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
