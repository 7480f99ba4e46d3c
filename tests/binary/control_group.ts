import { join } from "node:path";
import { eventually } from "../helpers/eventually.ts";

/** What processes may use together. */
type Controller = "memory" | "pids";

/** Processes that may use so much together, and no more. */
export interface ControlGroup extends AsyncDisposable {
  /** Starts a program in the group: to stand before it and its arguments. */
  readonly enter: readonly string[];
  /** The most they have used: bytes, or processes and threads. */
  peak(): Promise<number>;
}

const ROOT = "/sys/fs/cgroup";

/** The files of the kernel's first version of control groups, and of its second. */
const FILES: Record<Controller, { limit: string; peak: string }[]> = {
  memory: [
    { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" },
    { limit: "memory.max", peak: "memory.peak" },
  ],
  pids: [{ limit: "pids.max", peak: "pids.peak" }],
};

/** Makes a group below this process' own, or below the root. Needs to be root. */
export async function controlGroup(controller: Controller, limit: number): Promise<ControlGroup> {
  const reasons: string[] = [];
  for (const parent of await parents(controller)) {
    let directory: string | undefined;
    try {
      directory = await Deno.makeTempDir({ dir: parent, prefix: "heddle-test-" });
      const names = new Set([...Deno.readDirSync(directory)].map(({ name }) => name));
      const files = FILES[controller].find((each) => names.has(each.limit));
      if (files === undefined) throw new Error(`it has no limit of ${controller}`);
      await Deno.writeTextFile(join(directory, files.limit), String(limit));
      return groupIn(directory, files.peak);
    } catch (error) {
      if (directory !== undefined) await Deno.remove(directory);
      reasons.push(`${parent}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new Error(`Cannot make a control group in ${reasons.join("; in ")}`);
}

/** Says why a test that needs such a group is skipped, to stand in its name; empty where it is not. */
export async function skipped(controller: Controller): Promise<string> {
  try {
    await using _group = await controlGroup(controller, 2 ** 20);
    return "";
  } catch (error) {
    return ` (skipped: ${error instanceof Error ? error.message : error})`;
  }
}

function groupIn(directory: string, peak: string): ControlGroup {
  return {
    enter: ["bash", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory],
    peak: async () => Number(await Deno.readTextFile(join(directory, peak))),
    [Symbol.asyncDispose]: () =>
      eventually(
        "nothing is left in the group",
        () => Deno.remove(directory).then(() => true, () => false),
      ),
  };
}

async function parents(controller: Controller): Promise<string[]> {
  const isFirst = await Deno.stat(join(ROOT, controller)).then(() => true, () => false);
  const root = isFirst ? join(ROOT, controller) : ROOT;
  // Lines such as "4:memory:/own", in the second version "0::/own".
  const lines = (await Deno.readTextFile("/proc/self/cgroup").catch(() => "")).split("\n");
  const own = lines.map((line) => line.split(":"))
    .find(([, names]) => isFirst ? names!.split(",").includes(controller) : names === "")?.[2];
  return own === undefined ? [root] : [...new Set([join(root, own), root])]
    .map((path) => path.replace(/\/$/, ""));
}
