/**
 * Runs the tests of the bus, of durability and of the commands, and a short chaos run, on the
 * nats-server of each of Debian's suites: `deno task test:servers`, or those that are named:
 * `deno task test:servers forky`. `--short` runs a few tests on the newest that can be had.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SUITES } from "./nats_server_executable.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOCK = "--lock=tests/deno.lock";
const TESTS = ["tests/bus", "tests/durable", "tests/cli"];
const SHORT_TESTS = [
  "tests/bus/nats/nats_bus_test.ts",
  "tests/bus/nats/nats_jetstream_test.ts",
  "tests/cli/catch_up_test.ts",
  "tests/durable/silent_followers_slow_test.ts",
];
/** Each on one server, or on a cluster. */
const CHAOS = [["--faults", "5", "--shards", "2"], ["--faults", "3", "--cluster"]];

/** Runs Deno with the nats-server of a suite, or of the machine where it is empty. */
function deno(suite: string, args: string[], stdio: "inherit" | "piped"): Deno.Command {
  const env = suite === "" ? undefined : { NATS_SERVER: suite };
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env,
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  });
}

/** Finds or gets the server, and says which it is, or why it cannot be had. */
async function canBeHad(suite: string): Promise<boolean> {
  const setup = ["run", "-A", "tests/helpers/nats_server_setup.ts"];
  const { success, stdout, stderr } = await deno(suite, setup, "piped").output();
  const [found, error] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes).trim().split("\n")
  );
  const name = suite === "" ? "this machine" : `Debian's suite ${suite}`;
  if (success) console.log(`${name}: ${found!.at(-1)}`);
  else console.log(`${name}: its nats-server cannot be had: ${error![0]}`);
  return success;
}

/** Reports whether it succeeded. */
async function run(suite: string, args: string[]): Promise<boolean> {
  const { success } = await deno(suite, args, "inherit").spawn().status;
  return success;
}

async function runAll(suites: readonly string[]): Promise<number> {
  const tried: string[] = [];
  const failed: string[] = [];
  for (const suite of suites) {
    if (!await canBeHad(suite)) continue;
    tried.push(suite);
    let success = await run(suite, ["test", "-A", LOCK, ...TESTS]);
    for (const options of CHAOS) {
      const chaos = ["tests/chaos/main.ts", "--seed", "5", ...options];
      success = await run(suite, ["run", "-A", LOCK, ...chaos]) && success;
    }
    if (!success) failed.push(suite);
  }
  console.log(`tried: ${tried.join(", ") || "none"}; failed: ${failed.join(", ") || "none"}`);
  return tried.length > 0 && failed.length === 0 ? 0 : 1;
}

/** Runs on the machine's own server where no other can be had: there is one run in any case. */
async function runShort(suites: readonly string[]): Promise<number> {
  for (const suite of [...suites.toReversed(), ""]) {
    if (!await canBeHad(suite)) continue;
    return await run(suite, ["test", "-A", LOCK, ...SHORT_TESTS]) ? 0 : 1;
  }
  return 1;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { short: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.find((suite) => !SUITES.includes(suite));
  if (unknown !== undefined) {
    console.error(`Unknown suite "${unknown}": it is none of ${SUITES.join(", ")}`);
    Deno.exit(2);
  }
  const suites = positionals.length === 0 ? SUITES : positionals;
  Deno.exit(await (values.short ? runShort(suites) : runAll(suites)));
}
