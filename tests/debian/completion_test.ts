/** The shells themselves complete what they are given. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../helpers/program.ts";
import { run } from "./tools.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const CONFIG = `name: completed
schedules:
  - { name: nightly, cron: "0 4 * * *", dispatch_type: task, task: { worker_type: w } }
  - { name: noon, cron: "0 12 * * *", dispatch_type: task, task: { worker_type: w } }
  - { name: at $(touch injected) o'clock, interval_seconds: 9, dispatch_type: task, task: { worker_type: w } }
`;

type Complete = (line: string) => Promise<string[]>;

/** What is offered for the last word of a line: by the shell, with our script loaded. */
const SHELLS: Record<string, (directory: string, script: string) => Complete> = {
  bash: (directory, script) => async (line) => {
    const words = line.replaceAll("=", " = ").split(" ").map((word) => `"${word}"`).join(" ");
    const { output } = await run("env", [
      `PATH=${directory}:${Deno.env.get("PATH")}`,
      ...["bash", "-c"],
      `source ${script}; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); ` +
      '_heddle_scheduler; printf "%s\\n" "${COMPREPLY[@]}"',
    ]);
    return output.trim().split("\n");
  },
  zsh: (directory, script) => async (line) => {
    const { output } = await run("env", [
      `PATH=${directory}:${Deno.env.get("PATH")}`,
      ...["zsh", "-f", "-c", ZSH, script, line],
    ]);
    return [...new Set(output.trim().split(/\s*\r?\n/))]; // it asks in several ways
  },
  fish: (directory, script) => async (line) => {
    const { output } = await run("env", [
      `PATH=${directory}:${Deno.env.get("PATH")}`,
      ...["fish", "-c", `source ${script}; complete -C "${line}"`],
    ]);
    return output.trim().split("\n").map((each) => each.split("\t")[0]!);
  },
};

/** Types the line into a terminal, and prints what compadd was given. */
const ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
line() { zpty -w shell "$1" }
line "PROMPT=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; source $0"
line 'compadd() { local -a found; builtin compadd -O found "$@"; print -rl -- "<<" $found ">>"; builtin compadd "$@" }'
line "echo ready-now"
local text all
while zpty -r shell text; do all+=$text; [[ $text == ready-now* ]] && break; done
zpty -w -n shell "$1"$'\\t'
sleep 4
all=""
while zpty -r -t shell text; do all+=$text; done
print -r -- "$all" | tr -d '\\r' | sed -n '/<<$/,/^>>/p' | grep -v '<<$\\|^>>'
zpty -d shell
`;

async function completing(
  shell: string,
  test: (complete: Complete, directory: string) => Promise<void>,
) {
  const directory = await Deno.makeTempDir();
  try {
    const program = join(directory, "heddle-scheduler");
    const config = join(directory, "schedules.yaml");
    await Deno.writeTextFile(config, CONFIG);
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\ncd ${ROOT} && HEDDLE_SCHEDULER_CONFIG=${config} ` +
        `exec ${Deno.execPath()} run -P main.ts "$@" 2>/dev/null\n`,
      { mode: 0o755 },
    );
    const script = join(directory, "script");
    const { stdout, code } = await runProgram(["completion", shell]);
    assert.equal(code, 0);
    await Deno.writeTextFile(script, stdout + "\n");
    await test(SHELLS[shell]!(directory, script), directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const shell of Object.keys(SHELLS)) {
  Deno.test(`${shell} completes commands, options, values and entries`, async () => {
    await completing(shell, async (complete) => {
      assert.deepEqual((await complete("heddle-scheduler st")).sort(), ["status", "stream"]);
      assert.deepEqual((await complete("heddle-scheduler fire n")).sort(), ["nightly", "noon"]);
      const values = await complete("heddle-scheduler run --log-format ");
      assert.deepEqual(values.sort(), ["json", "pretty"]);
      const options = await complete("heddle-scheduler stream create --max-a");
      assert.ok(options.includes("--max-age"), options.join());
      assert.deepEqual(await complete("heddle-scheduler stream c"), ["create"]);
    });
  });

  Deno.test(`${shell} completes the names of files, and the value after "="`, async () => {
    await completing(shell, async (complete, directory) => {
      const found = await complete(`heddle-scheduler validate ${directory}/sche`);
      assert.match(found.at(-1)!, /schedules\.yaml$/); // zsh completes each directory first
      const [value] = await complete("heddle-scheduler run --log-format=p");
      assert.equal(value!.replace("--log-format=", ""), "pretty");
      const files = await complete(`heddle-scheduler --config=${directory}/sche`);
      assert.match(files.at(-1)!, /schedules\.yaml$/);
    });
  });

  Deno.test(`${shell} completes an entry's name without running what is in it`, async () => {
    await completing(shell, async (complete, directory) => {
      const [name] = await complete("heddle-scheduler pause a");
      assert.equal(name!.replaceAll("\\", ""), "at $(touch injected) o'clock");
      for (const place of [directory, ROOT]) {
        await assert.rejects(Deno.stat(join(place, "injected")), Deno.errors.NotFound);
      }
    });
  });
}
