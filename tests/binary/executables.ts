import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const suffix = Deno.build.os === "windows" ? ".exe" : "";

/** As it is deployed. */
export const EXECUTABLE = join(ROOT, `dist/heddle-scheduler${suffix}`);

/** Who built them, by the name of the directory with the packages. */
export const BUILDER = "Jane O'Neil";

/** The same with tests/fixtures/binary/expansions compiled in. */
export const EXECUTABLE_WITH_EXPANSIONS = join(ROOT, "dist/test/heddle-scheduler-expansions");

/** A root directory with both, glibc and the certificates of the authorities. Nothing else. */
export const BARE_ROOT = join(ROOT, "dist/test/root");

/** Deno's directory when they are compiled: the bundle in dist/ differs with another one. */
export const BUILDER_DENO_DIR = join(ROOT, "dist/test", BUILDER, "deno");
