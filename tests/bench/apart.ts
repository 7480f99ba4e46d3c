/**
 * Each contestant runs in a process of its own, so that none works on a heap that another one has
 * filled or with code that another one has warmed up.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What became of a contestant: what it reported, or why it reported nothing. */
export type Outcome<T> = { readonly result: T } | { readonly failure: string };

/** The peers are in the tests' lock file, and so not in the program's binary. */
export const LOCK = fileURLToPath(new URL("../deno.lock", import.meta.url));

/** The contestant is given up after so many milliseconds. */
const TIME_LIMIT = 90_000;

/** Runs the module at `url` with `task`, which its {@link taskOf} returns. */
export async function apart<T>(url: string, task: unknown): Promise<Outcome<T>> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--v8-flags=--expose-gc", `--lock=${LOCK}`],
      fileURLToPath(url),
      JSON.stringify(task),
    ],
    env: { TZ: "UTC" },
    signal: AbortSignal.timeout(TIME_LIMIT),
    stdin: "null",
  });
  const { code, signal, stdout, stderr } = await command.output();
  const errors = new TextDecoder().decode(stderr);
  if (code === 0) return { result: JSON.parse(new TextDecoder().decode(stdout)) };
  if (/out of memory/i.test(errors)) return { failure: "out of memory" };
  if (signal === "SIGTERM") return { failure: `not done in ${TIME_LIMIT / 1000} s` };
  return { failure: /Error: (.*)/.exec(errors)?.[1] ?? `exit code ${code}` };
}

/** What the process was started to do, by {@link apart}. */
export function taskOf<T>(): T {
  return JSON.parse(Deno.args[0]!);
}

/** Ends the process with `result` as what {@link apart} returns. */
export function report(result: unknown): never {
  const bytes = new TextEncoder().encode(JSON.stringify(result));
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
  Deno.exit(0);
}

/** Bytes on the JavaScript heap that are still in use. */
export async function usedHeap(): Promise<number> {
  const { gc } = globalThis as unknown as { gc(): void };
  for (let round = 0; round < 3; round++) {
    gc();
    await sleep(100);
  }
  return Deno.memoryUsage().heapUsed;
}

/** CPU time of this process so far, user and system, in milliseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The wall clock in milliseconds since the epoch, with fractions. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
