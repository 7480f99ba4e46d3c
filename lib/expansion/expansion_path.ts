import { isAbsolute, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  ExpansionError,
  type ExpansionErrorKind,
  type ExpansionTarget,
} from "./expansion_error.ts";

/** Expansions that `deno task compile --include` put into the executable. */
const COMPILED_IN = fileURLToPath(new URL("./compiled_in/", import.meta.url));

const EXTENSIONS = [".ts", ".js", ".mjs"];
const FORMS = `expected "package.module.function" or "./file.ts#function"`;

/**
 * The file and export that `expandFrom` names, in one of the contract's two forms (section 4):
 * `myapp.sessions.get_active` or `./expansions/sessions.ts#getActive`. Where there is no such file
 * below the root, one that was compiled in serves.
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
  const named = parse(expandFrom);
  if (typeof named === "string") throw fail("invalid", named);

  const { exportName, candidates } = named;
  const realRoot = await Deno.realPath(root).catch((cause) => {
    throw fail("invalid", `its root "${root}" cannot be read: ${cause.message}`, cause);
  });
  const outside = candidates.find((path) => leaves(realRoot, resolve(realRoot, path)));
  if (outside !== undefined) {
    throw fail("invalid", `"${outside}" leads out of its root "${realRoot}", which is not allowed`);
  }
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
  throw fail("import", `no such file in "${realRoot}"${also}: tried ${candidates.join(", ")}`);
}

/** The export's name and the paths it may be in, from the root; or what is wrong, in words. */
function parse(expandFrom: string): { exportName: string; candidates: string[] } | string {
  const url = /^([a-z][a-z0-9+.-]*):/i.exec(expandFrom);
  if (url !== null) {
    return `"${
      url[0]
    }" is not allowed, only files below the directory of the configuration: ${FORMS}`;
  }
  if (/[\p{Cc}\\]/u.test(expandFrom)) {
    return `a backslash or a control character in it, write / between directories: ${FORMS}`;
  }
  const hash = expandFrom.lastIndexOf("#");
  const dotted = hash < 0;
  if (dotted && expandFrom.includes("/")) return `no "#" before the export's name: ${FORMS}`;
  const cut = dotted ? expandFrom.lastIndexOf(".") : hash;
  const module = expandFrom.slice(0, Math.max(cut, 0));
  const exportName = expandFrom.slice(cut + 1);
  if (isAbsolute(module) || module.startsWith("~")) {
    return `an absolute path is not allowed, only one from the directory of the configuration`;
  }
  if (!/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(exportName) || cut < 0) {
    return `${JSON.stringify(exportName)} is no name of an export behind a module: ${FORMS}`;
  }
  if (!dotted) {
    if (!/[^./]/.test(module)) return `no file before the "#": ${FORMS}`;
    if (EXTENSIONS.some((extension) => module.endsWith(extension))) {
      return { exportName, candidates: [join(module)] };
    }
    return `"${module}" is no module: expected a file that ends in ${EXTENSIONS.join(", ")}`;
  }
  const segments = module.split(".");
  if (segments.includes("")) return `a part between two dots is empty: ${FORMS}`;
  const path = segments.join("/");
  return { exportName, candidates: EXTENSIONS.map((extension) => path + extension) };
}

function leaves(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === ".." || way.startsWith("../") || isAbsolute(way);
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
