/** What of a crontab does not become an entry, and what is said of it. */
import assert from "node:assert/strict";
import { LARGEST_FILE } from "../../lib/config/config_file.ts";
import { convertCrontab } from "../../lib/crontab/crontab.ts";
import { convert, OPTIONS } from "./harness.ts";

/** Lines that do not become an entry, and what is said of them. */
const NOT_CARRIED: [line: string, told: RegExp, options?: { isSystem: boolean }][] = [
  ["@reboot a", /^1:1: warning: "@reboot" names no time: .*run_on_start: true/],
  ["  @every 5m a", /^1:3: error: Unknown nickname "@every": cron has @yearly/],
  ["@Daily a", /error: Unknown nickname "@Daily"/],
  ["~ * * * * a", /^1:1: warning: Minute "~" is random: .*jitter_seconds/],
  ["0 1,3~5 * * * a", /^1:3: warning: Hour "3~5" is random/],
  ["61 * * * * a", /^1:1: error: Minute "61" is out of range: cron takes 0 to 59/],
  ["0 0 0 * * a", /^1:5: error: Day of month "0" is out of range: cron takes 1 to 31/],
  ["0 0 * * 8 a", /error: Day of week "8" is out of range: cron takes 0 to 7/],
  ["0 0 * foo * a", /^1:7: error: Month "foo" is out of range/],
  ["5/15 * * * * a", /^1:1: error: Minute "5\/15" has a step and no range: cron wants "5-59\/15"/],
  ["*/0 * * * * a", /error: Minute "\*\/0" has a step of 0/],
  ["0 22-2 * * * a", /error: Hour "22-2" goes backwards/],
  ["0 0 * * fri-mon a", /error: Day of week "fri-mon" goes backwards/],
  ["0 0 L * * a", /error: Day of month "L" is out of range/],
  ["0 0 ? * * a", /error: Day of month "\?" is no number, range or step/],
  ["0 0 * * 5#2 a", /error: Day of week "5#2" is no number/],
  ["0 0, * * * a", /error: Hour "" is no number/],
  ["*/61 * * * * a", /^1:1: warning: Invalid cron expression "\*\/61 .*out of range 1 to 60/],
  ["0 0 30 2 * a", /^1:1: warning: Invalid cron expression "0 0 30 2 \*": it can never fire/],
  ["0 0 */2 * 5 a", /^1:5: warning: Day fields "\*\/2" and "5" must both match in cron/],
  ["0 0 1 * */2 a", /warning: Day fields "1" and "\*\/2" must both match in cron/],
  ["0 0 1-31 * 5 a", /warning: Day fields "1-31" and "5" match every day in cron/],
  ["0 0 1 * 0-6 a", /warning: Day fields "1" and "0-6" match every day in cron/],
  ["hello world", /^1:1: error: Cannot read "hello world": expected five fields and a command/],
  ["* * * * *", /error: Cannot read .*expected five fields and a command/],
  ["@daily ", /error: Cannot read "@daily ": expected a nickname and a command/],
  ["@daily root", /expected a nickname, a user and a command/, { isSystem: true }],
  ["* * * * * * a", /^1:11: error: A "\*" in place of a command: cron has no sixth field/],
  ["* * * * * * a", /A "\*" in place of a command/, { isSystem: true }],
  ["@daily /bin/a b", /^1:8: error: User "\/bin\/a" is a path: .*--system/, { isSystem: true }],
  ["@daily --version", /^1:8: error: Command begins with "--version": no option of cron/],
  ["@daily a\0b", /^1:9: error: A NUL character/],
  ["A='b", /error: Cannot read "A='b"/],
  ['A="b" c', /error: Cannot read/],
  ["= b", /error: No name before the "="/],
  ["MAILTO=a@b.example", /^1:1: warning: MAILTO "a@b\.example": no mail is sent/],
  ["MAILFROM=a", /warning: MAILFROM "a"/],
  ["RANDOM_DELAY=45", /warning: RANDOM_DELAY "45": .*jitter_seconds/],
  ["CRON_TZ=Berlin", /warning: Unknown time zone "Berlin": .*did you mean "Europe\/Berlin"/],
  [`${"A".repeat(200)}=b`, /warning: Variable "AAA.* is too long: at most 160 characters/],
  [`A=${"b".repeat(600_000)}`, /warning: Variable "A" is too much: at most 500000 characters/],
  [`@daily ${"b".repeat(1_000_000)}`, /warning: Command of 1000000 characters: too long for one/],
];

for (const [line, told, options] of NOT_CARRIED) {
  const name = JSON.stringify(line).slice(0, 60);
  Deno.test(`not carried over, told and kept as a comment: ${name}${options ? " --system" : ""}`, () => {
    const converted = convert(line, options);
    assert.equal(converted.told.length, 1, converted.told.join("\n"));
    assert.match(converted.told[0]!, told);
    assert.equal(converted.entries.length, 0);
    const [, , list, reason, kept] = converted.yaml.split("\n");
    assert.equal(list, "schedules: []");
    assert.ok(reason!.startsWith("  # not carried over: "), reason);
    assert.equal(kept, `  # ${line.trimEnd().replace("\0", "\\u0000")}`);
  });
}

Deno.test("lines below an unknown zone are not carried over: their times are not known", () => {
  const { told, entries } = convert(
    "CRON_TZ=Mars/Base\n@daily a\n\n@daily b\nCRON_TZ=UTC\n@daily c",
  );
  assert.deepEqual(told.map((line) => line.slice(0, 38)), [
    '1:1: warning: Unknown time zone "Mars/',
    '2:1: warning: Unknown time zone "Mars/',
    '4:1: warning: Unknown time zone "Mars/',
  ]);
  assert.deepEqual(entries.map(({ name }) => name), ["c"]);
});

Deno.test("TZ is for the commands only, as in cron, and that is told", () => {
  const { told, entries } = convert("TZ=Asia/Tokyo\n@daily a");
  assert.match(told[0]!, /^1:1: warning: TZ "Asia\/Tokyo" is carried over for the commands only/);
  assert.equal(entries[0]!.timezone, "Europe/Berlin");
  assert.deepEqual(entries[0]!.taskConfig!.payload.env, { TZ: "Asia/Tokyo" });
});

Deno.test("a command that begins with root is carried over, with a hint at --system", () => {
  const { told, entries } = convert("@daily root run-parts /etc/cron.daily");
  assert.match(told.join(), /^1:8: warning: Command begins with "root".*--system/);
  assert.equal(entries.length, 1);
});

Deno.test("what cannot be read in one file is one error, and the rest is valid", () => {
  const line = `0 0 * * * ${"x".repeat(200_000)}\n`;
  for (const text of [line.repeat(170), `# ${"é".repeat(100_000)}\n`.repeat(170)]) {
    const { told, yaml } = convert(text);
    assert.match(told.join("\n"), /^\d+:1: error: The configuration would be larger than .*split/);
    assert.ok(new TextEncoder().encode(yaml).length <= LARGEST_FILE);
    assert.match(yaml, /not carried over: line \d+ and those after it\n$/);
  }
});

Deno.test("thirty-two megabytes of anything end in seconds", () => {
  const began = performance.now();
  for (const line of ["x\n", "A=1\n@daily a\n", "TZ=a\n"]) {
    const text = line.repeat(LARGEST_FILE / line.length);
    const { yaml, problems } = convertCrontab(text, OPTIONS);
    assert.ok(yaml.length <= LARGEST_FILE);
    assert.ok(problems.length < 500_000, `${problems.length} problems are kept in memory`);
  }
  convertCrontab("x ".repeat(LARGEST_FILE / 2), OPTIONS);
  convertCrontab(`@daily ${"-n ".repeat(LARGEST_FILE / 3)}`, OPTIONS);
  convertCrontab(`${"1,".repeat(LARGEST_FILE / 8)} * * * * a`, OPTIONS);
  convertCrontab(`${"~".repeat(LARGEST_FILE)} * * * * a`, OPTIONS);
  assert.ok(performance.now() - began < 60_000);
});
