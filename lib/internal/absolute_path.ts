import { resolve } from "node:path";

/** Returns `path` as it is where the working directory is gone, or may not be read. */
export function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch {
    return path;
  }
}
