/** Every zone from 1970 to 2100, as Debian's zdump reads the same files. */
import assert from "node:assert/strict";
import { renewZones, zoneNamed } from "../../lib/time/zone.ts";
import { ownZoneNames, zoneFiles } from "../../lib/time/zones/zone_data.ts";
import { withZoneDirectory } from "../time/zone_files.ts";
import { run } from "./tools.ts";

const FIRST = Date.UTC(1970) / 1000;
const END = Date.UTC(2101) / 1000;
const SYSTEM = "/usr/share/zoneinfo";

/** The offset from an instant on; changes of name alone are among them. */
interface Known {
  readonly at: number;
  readonly offset: number;
}

/** Returns what zdump says of the zones, by name: at first what holds at the beginning of 1970. */
async function dump(directory: string, names: readonly string[]): Promise<Map<string, Known[]>> {
  const paths = names.map((name) => `${directory}/${name}`);
  const { success, output } = await run("zdump", ["-i", "-c", "1970,2101", ...paths]);
  assert.ok(success, output.slice(0, 1000));
  return new Map(
    output.trim().split("\n\n").map((block) => {
      const [head = "", ...lines] = block.split("\n");
      const name = /^TZ="(.*)"$/.exec(head)![1]!.slice(directory.length + 1);
      return [name, lines.map((line) => readLine(line))];
    }),
  );
}

/** Reads a line: date and time by the clocks after a change, the offset, and names. */
function readLine(line: string): Known {
  const [date = "", time = "", east = ""] = line.split("\t");
  const [, sign, hours = 0, minutes = 0, seconds = 0] = /^([+-])(..)(..)?(..)?$/.exec(east)!;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  const offset = sign === "-" ? 0 - size : size;
  if (date === "-") return { at: FIRST, offset };
  const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number);
  const shown = Date.parse(date) / 1000 + hour * 3600 + minute * 60 + second;
  return { at: shown - offset, offset };
}

/** @returns the number of changes */
function compare(known: Map<string, Known[]>): number {
  let changes = 0;
  for (const [name, instants] of known) {
    const zone = zoneNamed(name);
    const wanted = instants.filter(({ offset }, index) => offset !== instants[index - 1]?.offset);
    const found: Known[] = [];
    for (let at = FIRST; at < END;) {
      const { end, offset } = zone.segmentAt(at);
      if (offset !== found.at(-1)?.offset) found.push({ at, offset });
      at = end;
    }
    assert.deepEqual(found, wanted, name);
    changes += found.length;
  }
  return changes;
}

Deno.test("every zone of the program's own copy changes when zdump says", async () => {
  renewZones();
  const names = ownZoneNames();
  const files = Object.fromEntries(names.map((name) => {
    const file = [...zoneFiles({ directory: null, version: null, problem: null }, name)][0]!;
    return [name, Uint8Array.fromBase64(file)];
  }));
  await withZoneDirectory(files, async (directory) => {
    renewZones();
    const changes = compare(await dump(directory, names));
    assert.ok(changes > 20_000, String(changes));
  });
});

Deno.test("zones of this machine's data change when zdump says", async () => {
  // A part: zdump takes 50 ms for each.
  const names = ownZoneNames().filter((_, index) => index % 8 === 0).filter((name) => {
    try {
      return Deno.statSync(`${SYSTEM}/${name}`).isFile;
    } catch {
      return false; // newer than this machine's
    }
  });
  await withZoneDirectory({}, async () => {
    Deno.env.set("TZDIR", SYSTEM);
    assert.equal(renewZones().directory, SYSTEM);
    const changes = compare(await dump(SYSTEM, names));
    assert.ok(changes > 2000, String(changes));
  });
});
