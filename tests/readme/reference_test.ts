/** What the pages list is what there is: keys, options, firings on the nights of a change. */
import assert from "node:assert/strict";
import { loadSchedulerConfig } from "../../lib/config/load_config.ts";
import { cronCadence } from "../../lib/time/cron/cron_cadence.ts";
import { runProgram } from "../helpers/program.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** What stands in backquotes in the first cells of a page's tables. */
function listed(text: string): Set<string> {
  const cells = [...text.matchAll(/^\|([^|]*)\|/gm)].map(([, cell]) => cell!);
  return new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)),
  );
}

Deno.test("README.md and docs/configuration.md list every key of an entry", async () => {
  const { stdout } = await runProgram(["schema"]);
  const schema = JSON.parse(stdout);
  const keys = Object.keys(schema.properties.schedules.items.properties);
  assert.ok(keys.length > 15);
  for (const page of ["README.md", "docs/configuration.md"]) {
    const names = listed(await read(page));
    assert.deepEqual(keys.filter((key) => !names.has(key)), [], page);
  }
});

Deno.test("docs/cli.md lists every option and variable of `run`", async () => {
  const [page, { stdout }] = await Promise.all([
    read("docs/cli.md"),
    runProgram(["run", "--help"]),
  ]);
  const help = stdout.replaceAll(/\n {10,}/g, " ");
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option!);
  const variables = [...help.matchAll(/env: ([A-Z_]+)/g)].map(([, variable]) => variable!);
  assert.ok(options.length > 20 && variables.length > 15);
  const missing = [...options, ...variables].filter((name) =>
    name !== "--help" && !new RegExp(`\`${name}\\b`).test(page)
  );
  assert.deepEqual(missing, []);
});

Deno.test("each configuration that the pages show is valid, without a warning", async () => {
  let count = 0;
  for (const page of await pages()) {
    for (const [, yaml] of (await read(page)).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)) {
      if (!/^schedules:/m.test(yaml!)) continue;
      count++;
      const path = await Deno.makeTempFile({ suffix: ".yaml" });
      await Deno.writeTextFile(path, yaml!);
      const { problems } = await loadSchedulerConfig(path);
      // The functions stand on the pages beside it.
      const wrong = problems.filter((each) => !each.path.endsWith(".expand_from"));
      assert.deepEqual(wrong, [], `${page}:\n${yaml}`);
      await Deno.remove(path);
    }
  }
  assert.ok(count >= 5, `${count} were found`);
});

Deno.test("an entry fires on the nights of a change as docs/daylight-saving.md says", async () => {
  const page = await read("docs/daylight-saving.md");
  const nights = [
    { title: "When clocks go forward", from: "2027-03-28T00:15:00Z", to: "2027-03-28T01:45:00Z" },
    { title: "When clocks go back", from: "2027-10-30T23:45:00Z", to: "2027-10-31T02:15:00Z" },
  ];
  for (const { title, from, to } of nights) {
    const [section] = page.slice(page.indexOf(`## ${title}`)).split(/\n## (?!When clocks go f)/, 1);
    const rows = [...section!.matchAll(/^\| `(.+?)` +\| (.*) \|$/gm)];
    assert.ok(rows.length >= 2, title);
    for (const [, expression, text] of rows) {
      const cadence = cronCadence(expression!, "Europe/Berlin");
      const fired: string[] = [];
      for (let at = cadence.next(new Date(from))!; at <= new Date(to); at = cadence.next(at)!) {
        fired.push(at.toLocaleTimeString("de", { timeZone: "Europe/Berlin", timeStyle: "short" }));
      }
      assert.deepEqual(text!.match(/\d\d:\d\d/g), fired, `${title}: ${expression}`);
    }
  }
});

Deno.test("every benchmark that the pages name is there", async () => {
  const names = new Set<string>();
  for (const page of await pages()) {
    for (const [, name] of (await read(page)).matchAll(/deno task bench ([a-z_]+)/g)) {
      names.add(name!);
    }
  }
  assert.ok(names.size >= 8);
  for (const name of names) await Deno.stat(new URL(`tests/bench/${name}_bench.ts`, ROOT));
});

async function pages(): Promise<string[]> {
  const found = ["README.md", "CONTRIBUTING.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) found.push(`docs/${name}`);
  }
  return found;
}

Deno.test("README.md has at most 220 lines", async () => {
  const lines = (await read("README.md")).trimEnd().split("\n").length;
  assert.ok(lines <= 220, `${lines}`);
});
