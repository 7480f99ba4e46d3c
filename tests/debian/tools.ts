/** The programs of Debian's that these tests need: found, or got. */

export const TOOLS = [
  { command: "chromium", package: "chromium" },
  { command: "promtool", package: "prometheus" },
  { command: "zsh", package: "zsh" },
  { command: "fish", package: "fish" },
  { command: "faketime", package: "faketime" },
  { command: "zdump", package: "libc-bin" },
  { command: "/usr/lib/python3/dist-packages/yaml/__init__.py", package: "python3-yaml" },
] as const;

/** What is loaded before a program whose clock is to be wrong. LIBFAKETIME can point at another. */
export async function faketimeLibrary(): Promise<string> {
  const named = Deno.env.get("LIBFAKETIME");
  if (named !== undefined) return named;
  const name = "libfaketimeMT.so.1";
  const { success, output } = await run("sh", ["-c", `ls /usr/lib/*/faketime/${name}`]);
  if (!success) {
    throw new Error(`There is no ${name}: \`deno run -A tests/debian/setup.ts\` gets it`);
  }
  return output.split("\n")[0]!;
}

/** Whether the command is in the PATH. */
export async function isThere(command: string): Promise<boolean> {
  const { success } = await run("sh", ["-c", `command -v ${command} || test -f ${command}`]);
  return success;
}

export async function run(
  program: string,
  args: string[],
  { input }: { input?: string } = {},
): Promise<{ success: boolean; output: string }> {
  const child = new Deno.Command(program, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // What it prints is read meanwhile: it would wait for that, and we for it.
  const ended = child.output();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { success, stdout, stderr } = await ended;
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, output: decode(stdout) + decode(stderr) };
}
