/** What holds for every crontab, tried on random ones. */
import assert from "node:assert/strict";
import { convertCrontab } from "../../lib/crontab/crontab.ts";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { cronCadence } from "../../lib/time/cron/cron_cadence.ts";
import { fc } from "../deps.ts";

const OPTIONS = { name: "crontab", workerType: "shell", timezone: "UTC", isSystem: false };

const word = fc.constantFrom(
  "@daily",
  "@reboot",
  "*",
  "*/5",
  "1-5",
  "mon",
  "7",
  "1,31",
  "~",
  "L",
  "-",
  "%",
  "\\%",
  "\\",
  "#",
  '"',
  "'",
  "=",
  "A=",
  "CRON_TZ=",
  "UTC",
  "Mars",
  "MAILTO=",
  "__proto__=x",
  "yes",
  "010",
  "/bin/a.sh",
  "root",
  "\t",
  "\r",
  "\0",
  "\u0085",
  "\u2028",
  "\ufeff",
  "\ud83d",
  "😀",
  "é",
  "---",
  "...",
  ": ",
);
const noise = fc.oneof(
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.array(word, { maxLength: 9 }).map((words) => words.join(" ")),
  fc.array(word, { maxLength: 5 }).map((words) => words.join("")),
);
const job = fc.tuple(
  fc.constantFrom("0 0 * * *", "@hourly", "-*/15 * * * *", "5 4 * * sun", "0 22 * * 1-5"),
  noise,
).map((parts) => parts.join(" "));
const lines = fc.array(fc.oneof(noise, job), { maxLength: 12 });

Deno.test("whatever the crontab, the result is a configuration without problems", () => {
  fc.assert(
    fc.property(lines, fc.constantFrom("\n", "\r\n"), fc.boolean(), (lines, newline, isSystem) => {
      const { yaml, entries } = convertCrontab(lines.join(newline), { ...OPTIONS, isSystem });
      const { config, problems } = parseSchedulerConfig(yaml);
      assert.deepEqual(problems, [], yaml);
      assert.equal(config!.entries.length, entries);
      // Other readers of YAML end a line at U+0085 and U+2028, or refuse what does not print.
      assert.doesNotMatch(yaml, /[^\t\n\P{Cc}]|[\u2028\u2029\ufeff\p{Cs}]/u);
      for (const { name } of config!.entries) assert.match(name, /^[a-z0-9_-]{1,60}$/);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("whatever the crontab, each of its lines is an entry or a comment", () => {
  const printable = fc.array(
    fc.oneof(
      fc.string({ unit: "grapheme-ascii", maxLength: 30 }),
      job.filter((line) => /^[ -~]*$/.test(line)),
    ),
  );
  fc.assert(
    fc.property(printable, (lines) => {
      const { yaml, entries } = convertCrontab(lines.join("\n"), OPTIONS);
      const kept = yaml.split("\n").slice(3).filter((line) =>
        /^ {2}#/.test(line) && !line.startsWith("  # not carried over: ")
      );
      const wanted = lines.map((line) => line.trim()).filter((line) => line !== "");
      assert.equal(kept.length + entries, wanted.length, yaml);
      const comments = kept.map((line) => line.replace(/^ {2}(# )?/, "").trim());
      // In their order; what is not found among them is an entry.
      let at = 0;
      for (const line of wanted) {
        if (line === comments[at] || line.replace(/^# /, "").trim() === comments[at]) at++;
      }
      assert.equal(at, comments.length, yaml);
    }),
    { numRuns: 1000 },
  );
});

/** A field that Vixie cron takes, and what it names: first, last, step. */
interface Item {
  text: string;
  values: number[];
}

function field(min: number, max: number, names: string[] = []): fc.Arbitrary<Item> {
  const value = fc.integer({ min, max });
  const word = (number: number, isNamed: boolean) =>
    isNamed ? names[number - min] ?? String(number) : String(number);
  const every = (first: number, last: number, step: number) => {
    const values = [];
    for (let at = first; at <= last; at += step) values.push(at);
    return values;
  };
  const step = fc.integer({ min: 1, max: max - min });
  const star = fc.constant({ text: "*", values: every(min, max, 1) });
  const stepped = step.map((step) => ({ text: `*/${step}`, values: every(min, max, step) }));
  const single = fc.tuple(value, fc.boolean()).map(([at, isNamed]) => ({
    text: word(at, isNamed),
    values: [at],
  }));
  const range = fc.tuple(value, value, fc.option(step, { nil: 1 })).map(([a, b, step]) => {
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    const end = step === 1 ? "" : `/${step}`;
    return { text: `${first}-${last}${end}`, values: every(first, last, step) };
  });
  const full = fc.constant({ text: `${min}-${max}`, values: every(min, max, 1) });
  const item = fc.oneof(single, range, stepped, star, full);
  const list = fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => ({
    text: items.map(({ text }) => text).join(","),
    values: items.flatMap(({ values }) => values),
  }));
  return fc.oneof({ weight: 3, arbitrary: star }, { weight: 5, arbitrary: list });
}

const MONTHS = ["jan", "FEB", "Mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "MON", "Tue", "wed", "thu", "fri", "sat"];
const schedule = fc.tuple(
  field(0, 59),
  field(0, 23),
  field(1, 31),
  field(1, 12, MONTHS),
  field(0, 7, DAYS),
);

const START = Date.UTC(2027, 0, 1);
const FOUR_YEARS = 1461;

/** What Vixie cron runs, minute by minute as it reads the fields, from 2027 on in UTC. */
function vixieFirings(fields: Item[], most: number): string[] {
  const [minutes, hours, days, months, weekdays] = fields.map(({ values }) => new Set(values));
  const both = fields[2]!.text.startsWith("*") || fields[4]!.text.startsWith("*");
  const sorted = (set: Set<number>) => [...set].sort((a, b) => a - b);
  const found: string[] = [];
  for (let day = 0; day < FOUR_YEARS && found.length < most; day++) {
    const date = new Date(START + day * 86_400_000);
    if (!months!.has(date.getUTCMonth() + 1)) continue;
    const byMonth = days!.has(date.getUTCDate());
    const weekday = date.getUTCDay();
    const byWeek = weekdays!.has(weekday) || (weekday === 0 && weekdays!.has(7));
    if (!(both ? byMonth && byWeek : byMonth || byWeek)) continue;
    for (const hour of sorted(hours!)) {
      for (const minute of sorted(minutes!)) {
        found.push(new Date(date.getTime() + (hour * 60 + minute) * 60_000).toISOString());
      }
    }
  }
  return found.slice(0, most);
}

/** What the scheduler fires in the same four years. */
function ourFirings(expression: string, most: number): string[] {
  const cadence = cronCadence(expression, "UTC");
  const end = START + FOUR_YEARS * 86_400_000;
  const found: string[] = [];
  for (let at = new Date(START - 1); found.length < most;) {
    const next = cadence.next(at);
    if (next === null || next.getTime() >= end) break;
    found.push(next.toISOString());
    at = next;
  }
  return found;
}

Deno.test("an entry fires when cron would have run its line", () => {
  let carried = 0;
  fc.assert(
    fc.property(schedule, (fields) => {
      const expression = fields.map(({ text }) => text).join(" ");
      const { yaml } = convertCrontab(`${expression} a`, OPTIONS);
      const [entry] = parseSchedulerConfig(yaml).config!.entries;
      if (entry === undefined) return;
      carried++;
      assert.equal(entry.cron, expression);
      assert.deepEqual(ourFirings(entry.cron, 100), vixieFirings(fields, 100), expression);
    }),
    { numRuns: 2000 },
  );
  assert.ok(carried > 500, `${carried} lines were carried over`);
});

Deno.test("only a line that would fire at other times, or never, is refused", () => {
  let refused = 0;
  fc.assert(
    fc.property(schedule, ([, , ...days]) => {
      const midnight = { text: "0", values: [0] };
      const fields = [midnight, midnight, ...days];
      const expression = fields.map(({ text }) => text).join(" ");
      const { entries, problems } = convertCrontab(`${expression} a`, OPTIONS);
      if (entries === 1) return;
      refused++;
      assert.deepEqual(problems.map(({ severity }) => severity), ["warning"], expression);
      const cron = vixieFirings(fields, 2000);
      if (cron.length === 0) assert.throws(() => ourFirings(expression, 1), expression);
      else assert.notDeepEqual(ourFirings(expression, 2000), cron, expression);
    }),
    { numRuns: 1000 },
  );
  assert.ok(refused > 20, `${refused} lines were refused`);
});
