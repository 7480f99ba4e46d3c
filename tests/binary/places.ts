/**
 * Where the executable is tried: on this machine as it is, and where there is next to nothing.
 *
 * @module
 */
import { basename, join } from "node:path";
import { Program, type ProgramOptions, runProgram } from "../helpers/program.ts";
import { BARE_ROOT, EXECUTABLE } from "./executables.ts";

/** The user that distroless images call "nonroot". */
export const NOBODY = 65532;

/** A directory with a test's files, and the executable that runs beside them. */
export interface Site {
  /** The path of one of the files to the executable. */
  path(name: string): string;
  /** The same file's path to the test. */
  hostPath(name: string): string;
  start(args: string[], options?: StartOptions): Program;
  run(
    args: string[],
    options?: StartOptions,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
}

export interface StartOptions extends Omit<ProgramOptions, "command"> {
  executable?: string;
  /** What starts it: a program of this machine's and its arguments. */
  by?: readonly string[];
}

export interface Place {
  readonly name: string;
  /** Writes `files` to a new directory, and removes it when `test` is done. */
  withFiles(files: Record<string, string>, test: (site: Site) => Promise<void>): Promise<void>;
}

/** This machine, as the user who runs the tests. */
export const HERE: Place = {
  name: "here",
  async withFiles(files, test) {
    const directory = await Deno.makeTempDir({ prefix: "heddle-binary-" });
    const command = ({ executable = EXECUTABLE, by = [] }: StartOptions) => [...by, executable];
    await withFilesIn(directory, files, () => test(site(directory, directory, command)));
  },
};

/**
 * A root directory of glibc's libraries, certificates and the executable, as a user without a name,
 * a home or a right: what a distroless image is, with the /proc and the /dev/null that every
 * container gets. No /tmp, no shell, no time zones, no locales.
 */
export const BARE: Place = {
  name: "in a bare root directory",
  async withFiles(files, test) {
    const directory = await Deno.makeTempDir({ dir: join(BARE_ROOT, "work") });
    const enter = 'mount -t proc proc "$0/proc" && mount --bind /dev/null "$0/dev/null" && ' +
      'exec chroot --userspec="$1:$1" "$0" "$2" "${@:3}"';
    const command = ({ executable = EXECUTABLE, by = [] }: StartOptions) => [
      ...by,
      ...["unshare", "--mount", "bash", "-c", enter, BARE_ROOT, String(NOBODY)],
      `/${basename(executable)}`,
    ];
    const inside = directory.slice(BARE_ROOT.length);
    await withFilesIn(directory, files, () => test(site(directory, inside, command)));
  },
};

/** A promise that is kept in both places. */
export function everywhere(promise: string, test: (place: Place) => Promise<void>): void {
  for (const place of [HERE, BARE]) Deno.test(`${place.name}: ${promise}`, () => test(place));
}

function site(
  hostDirectory: string,
  directory: string,
  command: (options: StartOptions) => string[],
): Site {
  const withCommand = (options: StartOptions = {}): ProgramOptions => ({
    ...options,
    command: command(options),
    cwd: options.cwd ?? hostDirectory,
  });
  return {
    path: (name) => join(directory, name),
    hostPath: (name) => join(hostDirectory, name),
    start: (args, options) => new Program(args, withCommand(options)),
    run: (args, options) => runProgram(args, withCommand(options)),
  };
}

async function withFilesIn(
  directory: string,
  files: Record<string, string>,
  test: () => Promise<void>,
): Promise<void> {
  try {
    await Deno.chmod(directory, 0o755);
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await test();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
