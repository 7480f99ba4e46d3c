/**
 * The transcripts in README.md: each ```console block is a list of commands, each after `$ `, with
 * what they print. Here they are run, against a scheduler and a server of their own.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { startNatsServer } from "../helpers/nats_server.ts";
import { Program, runProgram } from "../helpers/program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FIXTURES = fileURLToPath(new URL("../fixtures/readme/", import.meta.url));
export const README = `${ROOT}README.md`;

/** One command and what it prints. */
export interface Transcript {
  readonly command: string;
  readonly output: string;
}

const BLOCK = /```console\n([\s\S]*?)```/g;

/** The transcripts as they stand in the text. */
export function transcriptsIn(text: string): Transcript[] {
  return [...text.matchAll(BLOCK)].flatMap(([, block]) =>
    block!.split(/^\$ /m).slice(1).map((part) => {
      const [command, ...output] = part.trimEnd().split("\n");
      return { command: command!, output: output.join("\n").trimEnd() };
    })
  );
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

/** Runs the commands one after the other, beside a scheduler that runs. */
export async function run(commands: readonly string[]): Promise<Transcript[]> {
  await using server = await startNatsServer({ jetstream: true });
  const directory = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir(FIXTURES)) {
    await Deno.copyFile(FIXTURES + name, `${directory}/${name}`);
  }
  const options = {
    command: [Deno.execPath(), "run", "--config", `${ROOT}deno.json`, "-P", `${ROOT}main.ts`],
    cwd: directory,
    env: { NATS_URL: server.url, HEDDLE_SCHEDULER_HTTP: "0" },
  };
  await using program = new Program(["run"], options);
  const { port } = new URL(String((await program.logged("http.listening")).url));
  await program.logged("scheduler.running");
  const env = { ...options.env, HEDDLE_SCHEDULER_HTTP: port };
  const transcripts: Transcript[] = [];
  for (const command of commands) {
    const [words, head] = command.split(" | head -");
    const [name, ...args] = wordsOf(words!);
    if (name !== "heddle-scheduler") throw new Error(`No command of ours: ${command}`);
    const { stdout, stderr } = await runProgram(args, { ...options, env });
    const lines = [stderr, stdout].filter((text) => text !== "").join("\n").split("\n");
    const output = lines.slice(0, head === undefined ? undefined : Number(head));
    transcripts.push({ command, output: output.join("\n") });
  }
  await Deno.remove(directory, { recursive: true });
  return transcripts;
}

/** As a shell would, of words and what stands in double quotes. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);
}

/** Without what differs each time: instants, spans, versions, and the columns that follow on them. */
export function normalized(output: string): string {
  return output
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "INSTANT")
    .replaceAll(/\d\d:\d\d:\d\d\.\d{3}/g, "TIME")
    .replaceAll(/\b[\d.]+ (ms|s|min|h|d)\b( \d+ (s|min|h)\b)?/g, "SPAN")
    .replaceAll(/\b\d+\.\d+\.\d+\b/g, "VERSION")
    .replaceAll(/ +/g, " ");
}

if (import.meta.main) {
  const text = await Deno.readTextFile(README);
  const made = await run(transcriptsIn(text).map(({ command }) => command));
  await Deno.writeTextFile(README, withTranscripts(text, made));
}
