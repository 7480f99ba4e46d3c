/** Replicas of the real program with more leases than replicas, one of which is killed. */
import assert from "node:assert/strict";
import { shardOf } from "../../lib/durable/shards.ts";
import { eventually } from "../helpers/eventually.ts";
import { gaps, Place, type Stored } from "../helpers/durable_place.ts";
import type { LogEvent, Program } from "../helpers/program.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

const SECOND = 1000;
const SHARDS = 6;
const EACH = Array.from({ length: 24 }, (_, at) => `each-${at}`);
const INTERVALS = Array.from({ length: 7 }, (_, at) => `interval-${at}`);
const OPTIONS = ["--replicas", "--shards", String(SHARDS), "--lease-ttl", "3"];

/** The leases that a replica says it holds. */
function held(program: Program): number {
  const count = (event: string) => program.log(`scheduler.lease_${event}`).length;
  return count("acquired") - count("lost") - count("released");
}

interface Seen {
  readonly messages: Stored[];
  readonly skipped: LogEvent[];
  /** When the survivor acquired the leases of the other. */
  readonly acquired: ReadonlyMap<number, number>;
}

async function killOneOfTwo(): Promise<Seen> {
  const second = `cron: "* * * * * *"`;
  await using place = await Place.open([
    ...EACH.map((name) => `name: ${name}, ${second}, catch_up: all`),
    ...INTERVALS.map((name, at) =>
      `name: ${name}, interval_seconds: ${0.5 + at / 10}, catch_up: all`
    ),
    `name: unset, ${second}`,
  ]);
  const replicas = ["a", "b"].map((name) => place.start(...OPTIONS, "--replica-name", name));
  await eventually(
    "each holds three leases",
    () => replicas.every((each) => held(each) === SHARDS / 2),
    15_000,
  );
  const firings = (program: Program, name: string) =>
    program.log("scheduler.firing").filter(({ schedule }) => schedule === name);
  await eventually(
    "all fire",
    () => replicas.some((each) => firings(each, "unset").length >= 3),
  );
  const [victim, survivor] = replicas.toSorted((a, b) =>
    firings(b, "unset").length - firings(a, "unset").length
  );
  const client = await place.client();
  let fired = NaN;
  client.subscribe("heddle.*.incoming", {
    callback: (_error, message) => {
      holdToSchema(message.subject, message.json());
      const { headers } = message;
      if (headers?.get("Heddle-Schedule") !== "unset") return;
      fired = Date.parse(headers.get("Heddle-Scheduled-For"));
    },
  });
  const isRemembered = async () => {
    await client.flush();
    return (await place.checkpointOf("unset"))?.[2] === fired;
  };
  await eventually("it stands still, with what it fired last in its checkpoint", async () => {
    if (!await isRemembered()) return false;
    victim!.kill("SIGSTOP");
    if (await isRemembered()) return true;
    victim!.kill("SIGCONT");
    return false;
  });
  victim!.kill("SIGKILL");
  await victim!.exit();
  const before = survivor!.log("scheduler.lease_acquired").length;
  await eventually("the other holds all", () => held(survivor!) === SHARDS);
  const acquired = new Map(
    survivor!.log("scheduler.lease_acquired").slice(before).map((
      { shard, timestamp },
    ) => [Number(shard), Date.parse(timestamp)]),
  );
  await eventually("it fires all", () => firings(survivor!, "unset").length >= 2);
  survivor!.kill("SIGTERM");
  assert.equal(await survivor!.exit(), 0);
  const skipped = survivor!.log("scheduler.fire_skipped");
  return { messages: await place.stored(), skipped, acquired };
}

Deno.test("a replica that takes over three leases of a killed one goes on with each entry", async (t) => {
  const { messages, skipped, acquired } = await killOneOfTwo();
  const of = (name: string) => messages.filter(({ schedule }) => schedule === name);
  assert.equal(acquired.size, SHARDS / 2);

  await t.step("with catch_up all no occurrence is lost, and none comes twice", () => {
    for (const name of EACH) {
      assert.ok(of(name).length >= 5, `${name}: ${of(name).length} messages`);
      assert.ok(gaps(of(name)).every((gap) => gap === SECOND), `${name}: ${gaps(of(name))}`);
    }
  });

  await t.step("an interval keeps its phase", () => {
    INTERVALS.forEach((name, at) => {
      const interval = 500 + at * 100;
      assert.ok(of(name).length >= 3, `${name}: ${of(name).length} messages`);
      assert.ok(gaps(of(name)).every((gap) => gap === interval), `${name}: ${gaps(of(name))}`);
    });
  });

  await t.step("without catch_up the latest fires late, and one line counts the others", () => {
    const lines = skipped.filter(({ schedule }) => schedule === "unset");
    const lost = gaps(of("unset")).reduce((sum, gap) => sum + gap / SECOND - 1, 0);
    const resumed = of("unset")[gaps(of("unset")).findIndex((gap) => gap > SECOND) + 1]!;
    const ago = acquired.get(shardOf("unset", SHARDS))! - resumed.scheduledFor;
    assert.ok(ago > -200 && ago < SECOND + 200, `the latest before the lease was acquired: ${ago}`);
    assert.equal(lines.length, 1, JSON.stringify(lines));
    const [{ reason, catch_up, count, last }] = lines as [LogEvent];
    assert.deepEqual({ reason, catch_up, count }, {
      reason: "missed",
      catch_up: "one",
      count: lost,
    });
    assert.equal(Date.parse(String(last)) + SECOND, resumed.scheduledFor);
  });
});
