/**
 * The transcripts in the pages: each ```console block is a list of commands, each after `$ `, with
 * what they print. Here a shell runs them, beside a scheduler and a server of their own.
 *
 * A ```yaml or ```ts block whose first line names a file (`# jobs.yaml`, `// expansions/a.ts`) is
 * written to the directory that the commands run in. A page without a `schedules.yaml` of its own
 * gets the one of `tests/fixtures/readme`.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program } from "../helpers/program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FIXTURES = join(ROOT, "tests/fixtures/readme");

/** The pages that have transcripts, as paths from the repository's root. */
export const PAGES = ["README.md", "docs/cli.md"];

/** One command and what it prints. */
export interface Transcript {
  readonly command: string;
  readonly output: string;
}

const BLOCK = /```console\n([\s\S]*?)```/g;
const FILE = /```(?:yaml|ts)\n((?:#|\/\/) (\S+\.(?:yaml|ts))\b.*\n[\s\S]*?)```/g;

export function readPage(page: string): Promise<string> {
  return Deno.readTextFile(join(ROOT, page));
}

/** The transcripts as they stand in the text. */
export function transcriptsIn(text: string): Transcript[] {
  return [...text.matchAll(BLOCK)].flatMap(([, block]) =>
    block!.split(/^\$ /m).slice(1).map((part) => {
      const [command, ...output] = part.trimEnd().split("\n");
      return { command: command!, output: output.join("\n").trimEnd() };
    })
  );
}

/** The files that the text shows: their contents, by their paths. */
export function filesIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(FILE)].map(([, content, path]) => [path!, content!]));
}

/** The text with each transcript's output replaced, in their order. */
export function withTranscripts(text: string, transcripts: readonly Transcript[]): string {
  let place = 0;
  return text.replace(BLOCK, (_, block: string) => {
    const count = block.split(/^\$ /m).length - 1;
    const parts = transcripts.slice(place, place += count).map(({ command, output }) =>
      `$ ${command}\n${output}\n`
    );
    return "```console\n" + parts.join("\n") + "```";
  });
}

/** Runs the commands of a page one after the other, beside a scheduler that runs. */
export async function run(text: string): Promise<Transcript[]> {
  await using server = await startNatsServer({ jetstream: true });
  const directory = await Deno.makeTempDir();
  const bin = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir(FIXTURES)) {
    await Deno.copyFile(join(FIXTURES, name), join(directory, name));
  }
  for (const [path, content] of filesIn(text)) {
    await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
    await Deno.writeTextFile(join(directory, path), content);
  }
  const command = [
    ...[Deno.execPath(), "run", "--quiet", "--config", join(ROOT, "deno.json"), "-P"],
    join(ROOT, "main.ts"),
  ];
  await writeScript(join(bin, "heddle-scheduler"), `exec ${command.join(" ")} "$@"`);
  // What follows `npx -y deno@2.9.6 run -P main.ts` are the program's arguments.
  await writeScript(join(bin, "npx"), `shift 5; exec ${command.join(" ")} "$@"`);
  const env = { NATS_URL: server.url, NO_COLOR: "1", PATH: `${bin}:${Deno.env.get("PATH")}` };
  await using program = new Program(["run"], {
    command,
    cwd: directory,
    env: { ...env, HEDDLE_SCHEDULER_HTTP: "0" },
  });
  const { port } = new URL(String((await program.logged("http.listening")).url));
  await program.logged("scheduler.running");
  const transcripts: Transcript[] = [];
  for (const { command } of transcriptsIn(text)) {
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: directory,
      // Only this command asks for it; the others would take it for a server of their own.
      env: { ...env, ...(/ health\b/.test(command) && { HEDDLE_SCHEDULER_HTTP: port }) },
    }).output();
    const output = [stderr, stdout].map((bytes) => new TextDecoder().decode(bytes).trimEnd());
    transcripts.push({ command, output: output.filter((each) => each !== "").join("\n") });
  }
  await Deno.remove(directory, { recursive: true });
  await Deno.remove(bin, { recursive: true });
  return transcripts;
}

async function writeScript(path: string, line: string): Promise<void> {
  await Deno.writeTextFile(path, `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

/** Without what differs each time: instants, spans, versions, ids, and columns that follow on them. */
export function normalized(output: string): string {
  return output
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/time zone data: .*/g, "ZONES")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "INSTANT")
    .replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, "TIME")
    .replaceAll(/\b[\d.]+ (ms|s|min|h|d)\b( \d+ (s|min|h)\b)?/g, "SPAN")
    .replaceAll(/\b\d+\.\d+\.\d+\b/g, "VERSION")
    .replaceAll(/ +/g, " ");
}

if (import.meta.main) {
  for (const page of PAGES) {
    const text = await readPage(page);
    await Deno.writeTextFile(join(ROOT, page), withTranscripts(text, await run(text)));
  }
}
