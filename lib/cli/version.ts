import { VERSION } from "../wire/version.ts";

/** What `--version` prints: the program, the commit it was built from, Deno and V8. */
export function versionText(): string {
  const { deno, v8 } = Deno.version;
  const from = Deno.build.standalone ? `commit ${builtFrom()}` : "from source";
  return `heddle-scheduler ${VERSION} (${from}, deno ${deno}, v8 ${v8})`;
}

/** deploy/compile.ts writes it beside the program's modules. */
function builtFrom(): string {
  try {
    return Deno.readTextFileSync(new URL("commit.txt", import.meta.url)).trim();
  } catch {
    return "unknown"; // compiled in another way
  }
}
