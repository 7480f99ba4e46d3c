/**
 * The two forms of `expand_from`. The configuration's check and the scheduler read it here.
 *
 * @module
 */
import { posix } from "node:path";

/** The export that an `expand_from` names, and where it may be. */
export interface ExpandFrom {
  readonly exportName: string;
  /** Paths from the expansion root, none of which leaves it; the first that is a file serves. */
  readonly candidates: readonly string[];
}

/** What the names of modules end in. */
export const EXTENSIONS = [".ts", ".js", ".mjs"];
const DOTTED = /^((?:[\p{L}_$][\p{L}\p{N}_$-]*\.)+)([\p{L}_$][\p{L}\p{N}_$]*)$/u;
const EXPORT = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;
const FORMS = "expected 'package.module.function' or './file.ts#function'";

/**
 * Reads `myapp.sessions.get_active` or `./expansions/sessions.ts#getActive`. Whether there is such a
 * file is not looked at.
 *
 * @returns what is wrong, to follow the text and a colon, where `text` has neither form
 */
export function parseExpandFrom(text: string): ExpandFrom | string {
  if (/\p{Cc}/u.test(text)) return `a control character in it; ${FORMS}`;
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return "a URL or an absolute path is not allowed";
  if (/^[/\\~]/.test(text)) return "an absolute path is not allowed";
  const hash = text.lastIndexOf("#");
  if (hash < 0) {
    const [, module, exportName] = DOTTED.exec(text) ?? [];
    if (module === undefined) return FORMS;
    const path = module.slice(0, -1).replaceAll(".", "/");
    return { exportName: exportName!, candidates: EXTENSIONS.map((extension) => path + extension) };
  }
  const file = text.slice(0, hash);
  const exportName = text.slice(hash + 1);
  if (file.includes("\\")) return "write / between directories";
  if (!/[^./]/.test(file)) return `no file before the '#'; ${FORMS}`;
  const path = posix.normalize(file);
  if (path.startsWith("../")) return "'..' leads out of the directory of the configuration";
  if (!EXPORT.test(exportName)) return `no export's name after the '#'; ${FORMS}`;
  if (!EXTENSIONS.some((extension) => path.endsWith(extension))) {
    return `a module's file ends in ${EXTENSIONS.join(", ")}; ${FORMS}`;
  }
  return { exportName, candidates: [path] };
}
