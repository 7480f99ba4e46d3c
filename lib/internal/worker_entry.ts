import { extname } from "node:path";

/**
 * Returns the URL of a worker's entry beside the module `base`: TypeScript from source, and
 * JavaScript in the executable, whose modules are bundled (deploy/compile.ts).
 *
 * @param name the name of the file, without its extension
 */
export function workerEntry(name: string, base: string): string {
  return new URL(name + extname(base), base).href;
}
