import { dirname } from "node:path";
import { renewZones } from "../../lib/time/zone.ts";

/** A time zone file of version 2, with a change to each offset but the first, in the years from 2000. */
export function tzif(
  { offsets, rule, leaps = 0 }: { offsets: number[]; rule: string; leaps?: number },
): Uint8Array<ArrayBuffer> {
  const header = (...counts: number[]) => [
    ...new TextEncoder().encode("TZif2"),
    ...new Array<number>(15).fill(0),
    ...counts.flatMap((count) => big(count, 4)),
  ];
  const times = offsets.slice(1).map((_, index) => Date.UTC(2000 + index) / 1000);
  return Uint8Array.from([
    ...header(0, 0, 0, 0, 0, 0),
    ...header(0, 0, leaps, times.length, offsets.length, 4),
    ...times.flatMap((at) => big(at, 8)),
    ...times.map((_, index) => index + 1),
    ...offsets.flatMap((offset) => [...big(offset, 4), 0, 0]),
    ...[65, 65, 65, 0],
    ...new Array<number>(leaps * 12).fill(0),
    ...new TextEncoder().encode(`\n${rule}\n`),
  ]);
}

/** A file that has a rule and nothing else. */
export function fixedRule(rule: string): Uint8Array<ArrayBuffer> {
  return tzif({ offsets: [0], rule });
}

function big(value: number, length: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return [...bytes.subarray(8 - length)];
}

/** Runs `body` with TZDIR set to a directory with these files; the data from before is used again then. */
export async function withZoneDirectory(
  files: Record<string, string | Uint8Array>,
  body: (directory: string) => void | Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const before = Deno.env.get("TZDIR");
  try {
    for (const [name, content] of Object.entries(files)) {
      const path = `${directory}/${name}`;
      await Deno.mkdir(dirname(path), { recursive: true });
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Deno.writeFile(path, bytes);
    }
    Deno.env.set("TZDIR", directory);
    await body(directory);
  } finally {
    if (before === undefined) Deno.env.delete("TZDIR");
    else Deno.env.set("TZDIR", before);
    renewZones();
    await Deno.remove(directory, { recursive: true });
  }
}
