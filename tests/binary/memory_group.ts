import { join } from "node:path";

/** Processes that may use so much memory together, and no more. */
export interface MemoryGroup extends AsyncDisposable {
  /** Starts a program in the group: to stand before it and its arguments. */
  readonly enter: readonly string[];
  /** The most they have used, in bytes. */
  peak(): Promise<number>;
}

/** A control group of the kernel's, in either of its two versions. Needs to be root. */
export async function memoryGroup(bytes: number): Promise<MemoryGroup> {
  const isFirst = await Deno.stat("/sys/fs/cgroup/memory").then(() => true, () => false);
  const [limit, peak] = isFirst
    ? ["memory.limit_in_bytes", "memory.max_usage_in_bytes"]
    : ["memory.max", "memory.peak"];
  const directory = await Deno.makeTempDir({
    dir: isFirst ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup",
    prefix: "heddle-test-",
  });
  await Deno.writeTextFile(join(directory, limit), String(bytes));
  return {
    enter: ["bash", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', directory],
    peak: async () => Number(await Deno.readTextFile(join(directory, peak))),
    [Symbol.asyncDispose]: () => Deno.remove(directory),
  };
}
