/** What the library's entries promise to those who import them. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

async function deno(...args: string[]) {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

interface Symbol {
  name: string;
  declarations: {
    kind: string;
    def?: { params?: Parameter[]; constructors?: Callable[]; methods?: Callable[] };
  }[];
}

async function symbolsOf(entry: string): Promise<Symbol[]> {
  const { nodes } = await deno("doc", "--json", entry);
  const [module] = Object.values(nodes) as { symbols: Symbol[] }[];
  return module!.symbols;
}

/** Contract, section 8. */
const PROMISED = [
  "BaseActor",
  "Cadence",
  "Clock",
  "MemoryBus",
  "Message",
  "MessageBus",
  "NatsBus",
  "OrchestratorGoal",
  "ScheduleEntry",
  "SchedulerActor",
  "Subscription",
  "TaskMessage",
  "cronCadence",
  "intervalCadence",
  "loadSchedulerConfig",
  "orchestratorGoal",
  "taskMessage",
  "validateSchedulerConfig",
];

Deno.test("the main entry has what the contract names, in at most 45 symbols", async () => {
  const names = (await symbolsOf("lib/mod.ts")).map(({ name }) => name);
  assert.deepEqual(PROMISED.filter((name) => !names.includes(name)), []);
  assert.ok(names.length <= 45, `${names.length} symbols`);
});

Deno.test("each error that the public parts throw can be caught by its class", async () => {
  const entries = Object.values(denoJson.exports);
  const names = new Set((await Promise.all(entries.map(symbolsOf))).flat().map(({ name }) => name));
  for (
    const name of [
      "BusClosedError",
      "BusConnectError",
      "ConfigError",
      "ConflictError",
      "CronExpressionError",
      "JetStreamUnavailableError",
      "NoReplyError",
      "NoStreamError",
      "NotPermittedError",
      "StreamError",
      "TimeZoneError",
      "UnconfirmedError",
    ]
  ) assert.ok(names.has(name), name);
});

interface Parameter {
  kind: string;
  name?: string;
  optional?: boolean;
  left?: Parameter;
  tsType?: { repr: string; kind: string };
}

interface Callable {
  name: string;
  kind?: string;
  accessibility?: string;
  params?: Parameter[];
  functionDef?: { params: Parameter[] };
}

/** Each function, method and constructor of an entry with its parameters. */
function callables({ name, declarations }: Symbol): { path: string; params: Parameter[] }[] {
  return declarations.flatMap(({ kind, def }) => {
    if (kind === "function") return [{ path: name, params: def?.params ?? [] }];
    const { constructors = [], methods = [] } = def ?? {};
    return [...constructors, ...methods]
      .filter(({ accessibility }) => accessibility !== "private")
      .map((each) => ({
        path: `${name}.${each.name}`,
        params: each.params ?? each.functionDef?.params ?? [],
      }));
  });
}

/** Whether a call may leave it out without a name for what it leaves out. */
function isOptionalPositional(parameter: Parameter): boolean {
  const { optional, tsType, name } = parameter.left ?? parameter;
  if (parameter.kind !== "assign" && !optional) return false;
  if (tsType?.repr === "AbortSignal" && name === "signal") return false;
  return !(parameter.kind === "object" || name === "options" || tsType?.kind === "typeLiteral" ||
    /Options$/.test(tsType?.repr ?? ""));
}

/** What the contract, section 8, names, and what has the form of another library's. */
const EXEMPT = /^(cronCadence|validateSchedulerConfig|Logger\.\w+|\w+Error\.constructor)$/;

Deno.test("what a call may leave out stands in an options object, which comes last", async () => {
  const entries = Object.values(denoJson.exports);
  const all = (await Promise.all(entries.map(symbolsOf))).flat().flatMap(callables);
  assert.ok(all.length > 40, "the functions were listed");
  const wrong = all.filter(({ path, params }) =>
    !EXEMPT.test(path) &&
    params.some((each, index) =>
      isOptionalPositional(each) ||
      (each.optional || each.kind === "assign") && index < params.length - 1
    )
  );
  assert.deepEqual([...new Set(wrong.map(({ path }) => path))], []);
});

/** Bounds what each of the light entries loads: by path in the repository, or npm package. */
const LIGHT: Record<string, RegExp> = {
  "./cron": /^(lib\/(cron\.ts$|time\/|internal\/)|npm:\/?(leven|croner)@)/,
  "./wire": /^lib\/(wire\.ts$|wire\/)/,
  "./control": /^lib\/(control\.ts$|control\/control_api\.ts$|engine\/(history|job)\.ts$|wire\/)/,
};

for (const [entry, own] of Object.entries(LIGHT)) {
  Deno.test(`"${entry}" loads its own part and no more`, async () => {
    const path = denoJson.exports[entry as keyof typeof denoJson.exports];
    const { modules } = await deno("info", "--json", path) as { modules: Module[] };
    const loaded = new Set([path.slice(2)]);
    for (const each of loaded) {
      const { dependencies = [] } = modules.find(({ specifier }) => place(specifier) === each) ??
        {};
      for (const { code } of dependencies) {
        if (code !== undefined && !code.specifier.startsWith("node:")) {
          loaded.add(place(code.specifier));
        }
      }
    }
    assert.ok(loaded.size > 2, "its imports were listed");
    assert.deepEqual([...loaded].filter((each) => !own.test(each)), []);
  });
}

interface Module {
  specifier: string;
  dependencies?: { code?: { specifier: string } }[];
}

function place(specifier: string): string {
  return specifier.replace(new URL("../..", import.meta.url).href, "");
}

Deno.test("the package that would be published is clean, and leaves the tests out", async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert.ok(success, text);
  assert.match(text, /lib\/mod\.ts/);
  assert.doesNotMatch(text, /\/tests\/|error\[/);
});
