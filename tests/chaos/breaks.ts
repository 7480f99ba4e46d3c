import { join } from "node:path";

/** Faults to put into the program's code: a file, what stands there, and what is to stand there. */
export const BREAKS: Readonly<Record<string, readonly [string, string, string]>> = {
  "no-margin": ["lib/durable/lease.ts", "const MARGIN_RATIO = 1 / 5;", "const MARGIN_RATIO = 0;"],
  "no-message-id": [
    "lib/engine/dispatch.ts",
    `"Nats-Msg-Id": messageId,`,
    `"Removed": messageId,`,
  ],
  "no-giving-up": [
    "lib/durable/lease.ts",
    "this.#age(this.#held) < ttl * (1 - MARGIN_RATIO)",
    "ttl > 0",
  ],
};

/**
 * Copies the program and puts the fault in.
 *
 * @returns where the copy is
 */
export async function breakSource(root: string, name: string): Promise<string> {
  const found = BREAKS[name];
  if (found === undefined) throw new Error(`No such fault: ${name}`);
  const [file, right, wrong] = found;
  const copy = await Deno.makeTempDir({ prefix: "heddle-broken-" });
  for (const each of ["main.ts", "deno.json", "deno.lock"]) {
    await Deno.copyFile(join(root, each), join(copy, each));
  }
  await copyDirectory(join(root, "lib"), join(copy, "lib"));
  const text = await Deno.readTextFile(join(copy, file));
  if (text.split(right).length !== 2) throw new Error(`${file} has not once: ${right}`);
  await Deno.writeTextFile(join(copy, file), text.replace(right, wrong));
  return copy;
}

async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyDirectory(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
