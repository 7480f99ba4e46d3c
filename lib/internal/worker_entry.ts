import { extname } from "node:path";

/**
 * The URL of a worker's entry that stands beside the module `base`: TypeScript from source, and
 * JavaScript in the executable, whose modules are bundled (deploy/compile.ts).
 *
 * @param name the file's, without its extension
 */
export function workerEntry(name: string, base: string): string {
  return new URL(name + extname(base), base).href;
}
