/**
 * Writes lib/time/zones/tzdata.ts, the program's own time zone data, from a system's:
 *
 *   deno task zones                       from /usr/share/zoneinfo
 *   deno task zones unpacked/zoneinfo     from Debian's packages tzdata and tzdata-legacy, unpacked
 *
 * @module
 */
import { type Changes, readTzif } from "../lib/time/zones/tzif.ts";
import { SKIPPED_PART } from "../lib/time/zones/zone_data.ts";
import { fileURLToPath } from "node:url";

const OUTPUT = fileURLToPath(new URL("../lib/time/zones/tzdata.ts", import.meta.url));

/** Names that the IANA database has dropped and V8 still knows: files may say them. */
const DROPPED: Record<string, string> = {
  "Canada/East-Saskatchewan": "America/Regina",
  "SystemV/AST4": "America/Puerto_Rico",
  "SystemV/AST4ADT": "America/Halifax",
  "SystemV/CST6": "America/Regina",
  "SystemV/CST6CDT": "America/Chicago",
  "SystemV/EST5": "America/Indianapolis",
  "SystemV/EST5EDT": "America/New_York",
  "SystemV/HST10": "Pacific/Honolulu",
  "SystemV/MST7": "America/Phoenix",
  "SystemV/MST7MDT": "America/Denver",
  "SystemV/PST8": "Pacific/Pitcairn",
  "SystemV/PST8PDT": "America/Los_Angeles",
  "SystemV/YST9": "Pacific/Gambier",
  "SystemV/YST9YDT": "America/Anchorage",
  "US/Pacific-New": "America/Los_Angeles",
};

const HEADER_BYTES = 44;
const TIMES_COUNT_AT = 32;
const BEGIN = Date.UTC(1800, 0) / 1000;
const END = Date.UTC(2101, 0) / 1000;
/** What a reader skips. */
const EMPTY_PART = Uint8Array.fromBase64(SKIPPED_PART);

const directory = Deno.args[0] ?? "/usr/share/zoneinfo";
const text = await Deno.readTextFile(`${directory}/tzdata.zi`);
const version = /^# version (\S+)/.exec(text)?.[1];
if (version === undefined) throw new Error("tzdata.zi does not begin with its version");
const zones: string[] = [];
const links = Object.entries(DROPPED);
for (const line of text.split("\n")) {
  const [kind, first = "", second = ""] = line.split(" ");
  if (kind === "Z") zones.push(first);
  if (kind === "L") links.push([second, first]);
}

const lines = await Promise.all(
  zones.sort().map(async (name) => {
    const bytes = shortened(await Deno.readFile(`${directory}/${name}`));
    return `${name} ${bytes.toBase64()}`;
  }),
);
// A link can name a link: where it leads is found by the zone it is a copy of.
const targets = new Map(links.map(([name, target]) => [name, target]));
for (const [name, target] of links.sort()) {
  let zone = target;
  while (targets.has(zone)) zone = targets.get(zone)!;
  lines.push(`${name} = ${zone}`);
}
await Deno.writeTextFile(
  OUTPUT,
  `// Written by \`deno task zones\`.

/** The version of the IANA time zone database that {@link TZDATA} was made of. */
export const TZDATA_VERSION = "${version}";

/**
 * A zone in each line: its name, and its file of RFC 9636 in base64, from the second header on; or,
 * for another name of a zone, \`=\` and the zone's name.
 */
export const TZDATA = \`
${lines.join("\n")}
\`;
`,
);
console.log(`${OUTPUT}: ${version}, ${zones.length} zones, ${links.length} more names`);

/**
 * Returns a file without its part for readers of version 1, and without the changes at its end that
 * its rule repeats: Debian lists them to 2037.
 */
function shortened(whole: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = whole.slice(firstBlockBytes(whole));
  const times = new DataView(bytes.buffer).getUint32(TIMES_COUNT_AT);
  const wanted = changesOf(bytes);
  for (let kept = 0; kept < times; kept++) {
    const header = bytes.slice(0, HEADER_BYTES);
    new DataView(header.buffer).setUint32(TIMES_COUNT_AT, kept);
    const typesAt = HEADER_BYTES + times * 8;
    const short = Uint8Array.from([
      ...header,
      ...bytes.subarray(HEADER_BYTES, HEADER_BYTES + kept * 8),
      ...bytes.subarray(typesAt, typesAt + kept),
      ...bytes.subarray(typesAt + times),
    ]);
    if (changesOf(short) === wanted) return short;
  }
  return bytes;
}

/** Returns all changes to 2100, as a text to compare. */
function changesOf(bytes: Uint8Array<ArrayBuffer>): string {
  const changes: Changes = readTzif(Uint8Array.from([...EMPTY_PART, ...bytes]));
  const real = [{ at: BEGIN, offset: changes.offsetAt(BEGIN) }, ...changes.between(BEGIN, END)]
    .filter(({ offset }, index, all) => offset !== all[index - 1]?.offset);
  return JSON.stringify(real);
}

/** Returns the length of the part for readers of version 1. */
function firstBlockBytes(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer);
  const [universal = 0, standard = 0, leaps = 0, times = 0, types = 0, characters = 0] = Array.from(
    { length: 6 },
    (_, index) => view.getUint32(20 + index * 4),
  );
  return HEADER_BYTES + times * 5 + types * 6 + characters + leaps * 8 + standard + universal;
}
