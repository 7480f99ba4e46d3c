/** What becomes of each kind of line of a crontab; the rules are crontab(5)'s. */
import assert from "node:assert/strict";
import { parseSchedulerConfig } from "../../lib/config/load_config.ts";
import { convert, entryOf } from "./harness.ts";

Deno.test("a crontab becomes a configuration, with its comments in their places", () => {
  const { yaml, told } = convert(`# Nightly

SHELL=/bin/bash
  # keeps a week
30 2 * * *	/opt/backup.sh --full /home >/dev/null 2>&1
CRON_TZ=America/New_York
#0 9 * * * old
0 9 * * mon-fri mail joe%Joe,%100\\%
`);
  assert.deepEqual(told, []);
  assert.equal(
    yaml,
    `name: crontab
timezone: Europe/Berlin
schedules:
  # Nightly

  # SHELL=/bin/bash
  # keeps a week
  - name: backup_home
    cron: "30 2 * * *"
    dispatch_type: task
    task:
      worker_type: shell
      payload:
        command: "/opt/backup.sh --full /home >/dev/null 2>&1"
        env:
          SHELL: "/bin/bash"
  # CRON_TZ=America/New_York
  #0 9 * * * old
  - name: mail_joe
    cron: "0 9 * * mon-fri"
    timezone: America/New_York
    dispatch_type: task
    task:
      worker_type: shell
      payload:
        command: "mail joe"
        stdin: "Joe,\\n100%\\n"
        env:
          SHELL: "/bin/bash"
`,
  );
});

const COMMANDS: [line: string, payload: Record<string, string>][] = [
  ["@daily a", { command: "a" }],
  ["  \t@hourly\t a  b ", { command: "a  b " }],
  ["1 2 3 4 5 a", { command: "a" }],
  ["-*/15 * * * * a", { command: "a" }],
  ["-@daily a", { command: "a" }],
  ["@daily -n a", { command: "a" }],
  ["@daily -q -n a", { command: "a" }],
  ["@daily a%", { command: "a" }],
  ["@daily a%b", { command: "a", stdin: "b\n" }],
  ["@daily a%b%", { command: "a", stdin: "b\n" }],
  ["@daily a%%b%%c", { command: "a", stdin: "\nb\n\nc\n" }],
  ["@daily date +\\%F", { command: "date +%F" }],
  ["@daily date +\\%F%a\\%b\\n", { command: "date +%F", stdin: "a%b\\n\n" }],
  ["@daily a\\\\%b", { command: "a\\\\", stdin: "b\n" }],
  ["@daily a \\x \"q\" 'q' # no comment", { command: "a \\x \"q\" 'q' # no comment" }],
  ["@daily A=b c", { command: "A=b c" }],
  ["@daily a\r", { command: "a" }],
  ["@daily a \u0007\u009b\u2028\ud83d\ude00\ufeff", {
    command: "a \u0007\u009b\u2028\ud83d\ude00\ufeff",
  }],
  ["@daily true", { command: "true" }],
];

for (const [line, payload] of COMMANDS) {
  Deno.test(`crontab(5): the command of ${JSON.stringify(line)}`, () => {
    assert.deepEqual(entryOf(line).taskConfig!.payload, payload);
  });
}

const VARIABLES: [line: string, env: Record<string, string> | undefined][] = [
  ["A=b", { A: "b" }],
  ["  A = b c \t\r", { A: "b c" }],
  ["A=", { A: "" }],
  ["A='  b \"c '", { A: '  b "c ' }],
  ['"A b" = "c"  ', { "A b": "c" }],
  ["A=b=c # d", { A: "b=c # d" }],
  ["A=$HOME/x", { A: "$HOME/x" }],
  ["A=1\nA=2\nB=3", { A: "2", B: "3" }],
  ["NO=1", { NO: "1" }],
  ["1=010", { "1": "010" }],
  ["<<=a", { "<<": "a" }],
  ["CRON_TZ=UTC", undefined],
  ['MAILTO=""', undefined],
];

for (const [lines, env] of VARIABLES) {
  Deno.test(`crontab(5): the environment after ${JSON.stringify(lines)}`, () => {
    assert.deepEqual(entryOf(`${lines}\n@daily a\n`).taskConfig!.payload.env, env);
  });
}

Deno.test("a variable holds for the lines that follow it only", () => {
  const { entries } = convert("@daily a\nA=1\n@daily b\nA=2\n@daily c");
  const seen = entries.map(({ taskConfig }) => taskConfig!.payload.env);
  assert.deepEqual(seen, [undefined, { A: "1" }, { A: "2" }]);
});

Deno.test("CRON_TZ is the zone of the lines that follow, until the next; empty, the file's", () => {
  const { entries } = convert(
    "@daily a\nCRON_TZ=Asia/Tokyo\n@daily b\n@daily c\nCRON_TZ=:Japan\n@daily d\nCRON_TZ=\n@daily e",
  );
  assert.deepEqual(entries.map(({ timezone }) => timezone), [
    "Europe/Berlin",
    "Asia/Tokyo",
    "Asia/Tokyo",
    "Japan",
    "Europe/Berlin",
  ]);
});

Deno.test("in the format of /etc/crontab the word before the command is the user", () => {
  const { payload } = entryOf("17 * * * *  root\tcd / && run-parts", { isSystem: true })
    .taskConfig!;
  assert.deepEqual(payload, { command: "cd / && run-parts", user: "root" });
  assert.deepEqual(
    entryOf("@daily www-data a", { isSystem: true }).taskConfig!.payload,
    { command: "a", user: "www-data" },
  );
});

const NAMES: [command: string, name: string][] = [
  ["/opt/backup.sh", "backup"],
  ["/opt/backup.sh --full /srv/home/", "backup_home"],
  ["cd /srv/app && php artisan schedule:run >> /dev/null", "php_artisan"],
  ["[ -x /usr/bin/mrtg ] && LANG=C mrtg /etc/mrtg.cfg", "mrtg"],
  ["test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily", "run-parts_cron_daily"],
  ["FOO=secret /bin/job", "job"],
  ["mysql -psecret -u root shop < a.sql", "mysql_shop"],
  ["curl -u user:secret https://u:secret@example.com/hook?key=secret", "curl_example_com"],
  ["report --password secret", "report"],
  ['report --password "my secret"', "report"],
  ["Rückblick Été", "ruckblick"],
  ["$HOME/bin/daily.job", "daily"],
  ["日本", "job"],
  ["yes", "yes"],
  [`/bin/${"x".repeat(300)} y`, "x".repeat(60)],
];

for (const [command, name] of NAMES) {
  Deno.test(`an entry is called what its command is: ${name}`, () => {
    assert.equal(entryOf(`@daily ${command}`).name, name);
  });
}

Deno.test("entries of one command get numbers", () => {
  const { entries } = convert("@daily a\n@daily a_2\n@hourly a\n@weekly a\n");
  assert.deepEqual(entries.map(({ name }) => name), ["a", "a_2", "a_3", "a_4"]);
  const long = convert(`@daily ${"x".repeat(70)}\n`.repeat(12)).entries.at(-1)!.name;
  assert.equal(long, "x".repeat(57) + "_12");
});

Deno.test("names and zones that YAML would read otherwise come out as they were", () => {
  const options = { name: "null", workerType: 'yes: "#', timezone: "Etc/GMT+2" };
  const { yaml } = convert("@daily a", options);
  const { config } = parseSchedulerConfig(yaml);
  assert.equal(config!.name, "null");
  assert.equal(config!.timezone, "Etc/GMT+2");
  assert.equal(config!.entries[0]!.taskConfig!.workerType, options.workerType);
});

Deno.test("an empty crontab is an empty list", () => {
  for (const text of ["", "\n", "\r\n# none\r\n", "A=1"]) {
    assert.deepEqual([convert(text).told, convert(text).entries], [[], []]);
  }
});

Deno.test("a crontab of CRLF lines, and one without a last line end, read the same", () => {
  const text = "# a\n\nA=1\n0 1 * * * a%b\nCRON_TZ=UTC\n@daily b\n";
  assert.equal(convert(text.replaceAll("\n", "\r\n")).yaml, convert(text).yaml);
  assert.equal(convert(text.trimEnd()).yaml, convert(text).yaml);
});
