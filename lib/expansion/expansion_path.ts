import { basename, dirname, isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest } from "../internal/suggestion.ts";
import { EXTENSIONS, parseExpandFrom } from "./expand_from.ts";
import {
  ExpansionError,
  type ExpansionErrorKind,
  type ExpansionTarget,
} from "./expansion_error.ts";

/** Of more the rest is not compared. */
const MAX_SIMILAR_FILES = 500;

/** Expansions that `deno task compile --include` put into the executable. */
export const COMPILED_IN = fileURLToPath(new URL("./compiled_in/", import.meta.url));

/**
 * Returns the file and export that `expandFrom` names. Where there is no such file below the root, one
 * that was compiled in serves.
 *
 * @param root the directory that both forms start from and never leave, symbolic links included
 * @throws {ExpansionError} of kind `invalid` for what is no such form or leaves the root, of kind
 * `import` where there is no such file
 */
export async function resolveExpandFrom(
  expandFrom: string,
  root: string,
): Promise<ExpansionTarget> {
  const fail = (kind: ExpansionErrorKind, reason: string, cause?: unknown) =>
    new ExpansionError(kind, reason, { expandFrom, cause });
  const named = parseExpandFrom(expandFrom);
  if (typeof named === "string") throw fail("invalid", named);

  const { exportName, candidates } = named;
  const realRoot = await Deno.realPath(root).catch((cause) => {
    throw fail("invalid", `its root "${root}" cannot be read: ${cause.message}`, cause);
  });
  for (const path of candidates) {
    const file = await realFile(join(realRoot, path)).catch((cause) => {
      throw fail("import", `"${path}" cannot be read: ${cause.message}`, cause);
    });
    if (file === null) continue;
    if (leaves(realRoot, file)) {
      throw fail(
        "invalid",
        `"${path}" is a symbolic link to "${file}", outside its root "${realRoot}", which is ` +
          `not allowed`,
      );
    }
    return { file, path: relative(realRoot, file), exportName };
  }
  for (const path of Deno.build.standalone ? candidates : []) {
    const file = await realFile(join(COMPILED_IN, path));
    if (file !== null) return { file, path, exportName };
  }
  const also = Deno.build.standalone ? ", nor compiled in" : "";
  const near = await similarFile(realRoot, candidates);
  const hint = near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`;
  throw fail(
    "import",
    `no such file in "${realRoot}"${also}: tried ${candidates.join(", ")}${hint}`,
  );
}

/** Returns a module of the same directory whose name is similar, where there is one. */
async function similarFile(
  root: string,
  tried: readonly string[],
): Promise<string | undefined> {
  const [path = ""] = tried;
  try {
    const directory = await Deno.realPath(join(root, dirname(path)));
    if (leaves(root, directory)) return undefined;
    const names: string[] = [];
    for await (const { name } of Deno.readDir(directory)) {
      if (tried.includes(join(dirname(path), name))) continue; // a link to nowhere
      if (EXTENSIONS.some((extension) => name.endsWith(extension))) names.push(name);
      if (names.length >= MAX_SIMILAR_FILES) break;
    }
    const name = nearest(basename(path), names);
    return name && join(dirname(path), name);
  } catch {
    return undefined;
  }
}

function leaves(root: string, path: string): boolean {
  const way = relative(root, path);
  return /^\.\.(?:[/\\]|$)/.test(way) || isAbsolute(way);
}

/** The real path of a file, or null where there is none. */
async function realFile(path: string): Promise<string | null> {
  try {
    const real = await Deno.realPath(path);
    return (await Deno.stat(real)).isFile ? real : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
