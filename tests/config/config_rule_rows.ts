import {
  goalOf,
  messageOf,
  type Row,
  row,
  taskOf,
  taskWith,
  untimedWith,
} from "./config_problem_rows.ts";

const NAME = 'schedules[0] "n"';

/** What the Python scheduler runs by and the schema refuses: the line, its value's column, what is said. */
const PLAIN_VALUES: readonly (readonly [line: string, column: number, ...fragments: string[]])[] = [
  ['expand_from: ""', 18, "'expand_from' is \"\", which counts as absent: remove it"],
  ["timezone: ''", 15, "'timezone' is \"\", which counts as absent"],
  ["start_at: ''", 15, "'start_at' is \"\", which counts as absent"],
  ["interval_seconds: 1_000", 23, "'interval_seconds' is 1_000, read as 1000: write it"],
  ["interval_seconds: 1_000.5", 23, "read as 1000.5"],
  ["jitter_seconds: 1_0", 21, "'jitter_seconds' is 1_0, read as 10"],
];

const TWO = `name: s
schedules:
  - { name: a, interval_seconds: 1, dispatch_type: task, task: { worker_type: w } }
  - { name: b, interval_seconds: 1, dispatch_type: task, task: { worker_type: w } }
`;

/** Rules that the schema cannot state: cron, zones, names, instants, expansions, values for JSON. */
export const RULES: readonly Row[] = [
  ...[
    ['""', "got 0"],
    ['"* * * *"', "got 4"],
    ['"99 * * * *"', "minute 99 is out of range"],
    ['"0 0 30 2 *"', "it can never fire"],
    ['"@reboot"', "@reboot names no time"],
    ['"2026-03-01"', "a date is not a cron expression"],
    ['"*/61 * * * *"', "step 61"],
    [
      "hourly",
      'invalid cron expression "hourly": hourly is no expression of cron: write "@hourly"',
    ],
    ['"-"', '"-" names no time: keep an expression and write enabled: false beside it'],
    ["rate(5 minutes)", "write interval_seconds: 300 in place of cron"],
    ["TZ=UTC 0 9 * * *", 'write cron: "0 9 * * *" and timezone: UTC'],
  ].map(([cron, got]) =>
    row(
      `cron of ${cron}`,
      untimedWith(`cron: ${cron}`),
      `6:11 error schedules[0].cron | ${NAME}: invalid cron expression | ${got}`,
    )
  ),
  row(
    "a zone of the file that is none",
    "name: s\ntimezone: Europe/Berln\nschedules: []\n",
    "2:11 error timezone | Top level: 'timezone': Unknown time zone \"Europe/Berln\" | " +
      'did you mean "Europe/Berlin"?',
  ),
  row(
    "a zone by its name in Windows",
    taskWith("timezone: Eastern Standard Time"),
    '7:15 error schedules[0].timezone | a name of Windows | did you mean "America/New_York"',
  ),
  row(
    "an entry's zone that is none, once, beside its cron expression's own problem",
    untimedWith('cron: "99 * * * *"', "timezone: Mars/Phobos"),
    "6:11 error schedules[0].cron | invalid cron expression",
    `7:15 error schedules[0].timezone | ${NAME}: 'timezone': Unknown time zone "Mars/Phobos"`,
  ),
  row(
    "an offset in place of a zone",
    taskWith('timezone: "+02:00"'),
    '7:15 error schedules[0].timezone | Unknown time zone "+02:00"',
  ),
  ...["0", "0.05", "0.999"].map((grace) =>
    row(
      `a misfire grace of ${grace} s`,
      taskWith(`misfire_grace_seconds: ${grace}`),
      `7:28 warning schedules[0].misfire_grace_seconds | ${NAME}: 'misfire_grace_seconds' is ` +
        `${grace}: a firing that is later is skipped | write 1 or more, or leave it out`,
    )
  ),
  row(
    "a second entry of the same name, with the first one's line",
    TWO.replace("name: b", "name: a"),
    '4:13 error schedules[1].name | schedules[1] "a": the name "a" is taken by schedules[0] (line 3)',
  ),
  row(
    "a blank name",
    taskWith().replace("- name: n", '- name: " "'),
    "3:11 error schedules[0].name | a name cannot be blank",
  ),
  ...[" n", "n ", "n\u00a0", "\ufeffn", "\u3000n\u2003"].map((name) =>
    row(
      `a name of ${JSON.stringify(name)}, whose blanks a header loses`,
      taskWith().replace("- name: n", `- name: ${JSON.stringify(name)}`),
      "3:11 error schedules[0].name | 'name' is | cannot begin or end with a blank: write \"n\"",
    )
  ),
  row(
    "a name with a line break",
    taskWith().replace("- name: n", '- name: "a\\nb"'),
    "3:11 error schedules[0].name | a name cannot hold control characters",
  ),
  row(
    "a name with half a character",
    taskWith().replace("- name: n", '- name: "a\\uD800"'),
    "3:11 error schedules[0].name | surrogate",
  ),
  ...[
    ["my scheduler", '" "'],
    ["a*", '"*"'],
    ['">"', '">"'],
    ['"a\\tb"', '"\\t"'],
    ["a..b", "a dot must stand between two words"],
    [".a", "a dot must stand between two words"],
    ["a.", "a dot must stand between two words"],
  ].map(([name, wrong]) =>
    row(
      `a scheduler's name of ${name}, which no subject can hold`,
      `name: ${name}\nschedules: []\n`,
      `1:7 error name | Top level: 'name' is | NATS subject | ${wrong}`,
    )
  ),
  ...[
    ["foo", "expected 'package.module.function'"],
    ["a..b", "expected 'package.module.function'"],
    ["/etc/a.ts#f", "an absolute path is not allowed"],
    ["../a.ts#f", "'..' leads out of the directory"],
    ["./a/../../b.ts#f", "'..' leads out of the directory"],
    ["https://x.org/a.ts#f", "a URL or an absolute path is not allowed"],
    ["data:text/javascript,#f", "a URL or an absolute path is not allowed"],
    ["npm:left-pad#f", "a URL or an absolute path is not allowed"],
    ["jsr:@a/b#f", "a URL or an absolute path is not allowed"],
    ["file:///a.ts#f", "a URL or an absolute path is not allowed"],
    ["'C:\\a.ts#f'", "a URL or an absolute path is not allowed"],
    ["a\\b.ts#f", "write / between directories"],
    ["./a.ts#", "no export's name"],
    ["'#f'", "no file before the '#'"],
    ['"a.b\\u0000"', "a control character"],
  ].map(([text, wrong]) =>
    row(
      `an expansion of ${text}`,
      taskWith(`expand_from: ${text}`),
      `7:18 error schedules[0].expand_from | ${NAME}: 'expand_from' is | ${wrong}`,
    )
  ),
  ...[
    ["read: [/]", 24, "read[0]", "it holds /proc, and with that the scheduler's own environment"],
    ["read: [a, /proc/self]", 27, "read[1]", "it holds /proc"],
    ["read: [/srv/../proc]", 24, "read[0]", "it holds /proc"],
    ["read: [~/data]", 24, "read[0]", "write the home directory out"],
    ["read: ['']", 24, "read[0]", "expected the path of a file or a directory"],
    ["read: ['file:///srv']", 24, "read[0]", "expected a path, not a URL"],
    [
      "net: ['https://a.example']",
      23,
      "net[0]",
      "expected 'host:port', 'host' or '[IPv6]:port', no",
    ],
    ["net: [a.example, 'a b']", 34, "net[1]", "expected 'host:port'"],
    ["net: ['a.example:0']", 23, "net[0]", "a port is between 1 and 65535"],
    ["net: ['a.example:65536']", 23, "net[0]", "a port is between 1 and 65535"],
    ["net: ['::1:80']", 23, "net[0]", "expected 'host:port'"],
    ["net: [a/b]", 23, "net[0]", "expected 'host:port'"],
  ].map(([list, column, place, wrong]) =>
    row(
      `expand_allow with ${list}`,
      `name: s\nschedules: []\nexpand_allow: { ${list} }\n`,
      `3:${column} error expand_allow.${place} | Top level: 'expand_allow.${place}' is | ${wrong}`,
    )
  ),
  ...[
    ["2026-03-01T08:00:00", "needs a time and an offset"],
    ["2026-03-01", "needs a time and an offset"],
    ["2026-02-30T08:00:00Z", "there is no such date or time"],
    ["2026-03-01T25:00:00Z", "there is no such date or time"],
    ["tomorrow", "expected an instant such as"],
  ].flatMap(([text, wrong]) =>
    ["start_at", "end_at"].map((key) =>
      row(
        `${key} of ${text}`,
        taskWith(`${key}: ${text}`),
        `7:${
          key.length + 7
        } error schedules[0].${key} | ${NAME}: '${key}' is "${text}": | ${wrong}`,
      )
    )
  ),
  row(
    "an end that is not after the start",
    taskWith("start_at: 2026-03-01T08:00:00Z", "end_at: 2026-03-01T09:00:00+01:00"),
    `8:13 error schedules[0].end_at | ${NAME}: 'end_at' must be later than 'start_at'`,
  ),
  row(
    "a goal on a task entry, whatever is in it",
    taskWith("goal: [1]"),
    `7:5 warning schedules[0].goal | ${NAME}: 'goal' has no effect, since 'dispatch_type' is 'task'`,
  ),
  row(
    "a task on a goal entry, whatever is in it",
    goalOf("{ instruction: i }") + "    task: { priority: urgent, x: 1 }\n",
    "7:5 warning schedules[0].task | 'task' has no effect, since 'dispatch_type' is 'goal'",
  ),
  row(
    "a message on a task entry, whatever is in it",
    taskWith("message: { subject: '*', headers: 5, expect: x }"),
    `7:5 warning schedules[0].message | ${NAME}: 'message' has no effect, since`,
  ),
  ...[
    ["jobs.*", 'a message goes to one NATS subject, which cannot hold "*"'],
    ["jobs.>", 'cannot hold ">"'],
    ["'a*b'", 'cannot hold "*"'],
    ["jobs a", 'cannot hold " "'],
    ['"a\\u0000"', "cannot hold"],
    ['"a\\uD800"', "surrogate"],
    ["jobs..a", "a dot must stand between two words"],
    ["jobs.", "a dot must stand between two words"],
    ["$JS.API.STREAM.DELETE.HEDDLE", 'subjects that begin with "$" are reserved: choose another'],
    ["$SRV.PING", 'begin with "$" are reserved'],
    ["_INBOX.a", 'begin with "_INBOX" are reserved'],
    ["_INBOX_own.a", 'begin with "_INBOX" are reserved'],
    ["_R_.a", 'begin with "_R_." are reserved'],
    ["heddle.scheduler.default_scheduler", 'begin with "heddle.scheduler." are reserved'],
    ["heddle.control.reload", 'begin with "heddle.control." are reserved'],
    ["heddle.history.a", 'begin with "heddle.history." are reserved'],
  ].map(([subject, wrong]) =>
    row(
      `a subject of ${subject}`,
      messageOf(`{ subject: ${subject} }`),
      `6:25 error schedules[0].message.subject | ${NAME}: 'message.subject' is | ${wrong}`,
    )
  ),
  ...[
    ["X Y", "the name of a header is made of letters, digits and any of !#$%&'*+-.^_`|~"],
    ['"X:"', "the name of a header is made of"],
    ["Größe", "the name of a header is made of"],
    ['""', "the name of a header is made of"],
    ["Nats-Msg-Id", "headers Nats-… are the scheduler's own: choose another name"],
    ["nats-expected-stream", "headers nats-… are the scheduler's own"],
    ["Heddle-Schedule", "headers Heddle-… are the scheduler's own"],
    ["traceparent", "it is the scheduler's own: choose another name"],
    ["Tracestate", "it is the scheduler's own"],
  ].map(([name, wrong]) =>
    row(
      `a header of the name ${name}`,
      messageOf(`{ subject: a, headers: { ${name}: b } }`),
      `6:${name!.length + 41} error schedules[0].message.headers${
        /^[\p{L}-]+$/u.test(name!) ? `.${name}` : `[${JSON.stringify(name!.replaceAll('"', ""))}]`
      } | ${NAME}: 'message.headers' has | ${wrong}`,
    )
  ),
  ...['"a\\nb"', '"a\\rNats-Msg-Id: 1"', '"a\\u0000"'].map((value) =>
    row(
      `a header with the value ${value}`,
      messageOf(`{ subject: a, headers: { X-A: ${value} } }`),
      "6:44 error schedules[0].message.headers.X-A | the value of a header is one line",
    )
  ),
  row(
    "a header that is a number",
    messageOf("{ subject: a, headers: { X-A: 5 } }"),
    '6:44 warning schedules[0].message.headers.X-A | is 5, read as the text "5": put it in quotes',
  ),
  row(
    "a payload that is no JSON",
    messageOf("{ subject: a, payload: { b: .inf } }"),
    "6:42 error schedules[0].message.payload.b",
  ),
  row(
    "an input beside the payload whose synonym it is",
    taskOf("{ worker_type: w, payload: { a: 1 }, input: { a: 1 } }"),
    `6:55 error schedules[0].task.input | ${NAME}: cannot specify both 'task.payload' and`,
  ),
  row(
    "an input that is no JSON",
    taskOf("{ worker_type: w, input: { b: .nan } }"),
    "6:41 error schedules[0].task.input.b",
  ),
  row(
    "an argument that nothing takes",
    taskWith("for_each: [{ a: 1 }]", "expand_with: { tenant: acme }"),
    "8:5 warning schedules[0].expand_with | 'expand_with' is ignored, since there is no 'expand_f",
  ),
  row(
    "no objects",
    taskWith("for_each: []"),
    "7:15 warning schedules[0].for_each | 'for_each' is empty, so the entry dispatches nothing",
  ),
  row(
    "objects that JSON cannot carry",
    taskWith("for_each: [{ a: 1 }, { a: .nan }]"),
    `7:31 error schedules[0].for_each[1].a | ${NAME}: 'for_each[1].a' is NaN, which JSON`,
  ),
  row(
    "an argument that JSON cannot carry",
    taskWith("expand_from: a.b", "expand_with: { a: .inf }"),
    "8:23 error schedules[0].expand_with.a | 'expand_with.a' is Infinity, which JSON",
  ),
  row(
    "a large object",
    taskWith("for_each:", `  - { a: ${"x".repeat(2 ** 20)} }`),
    "8:9 error schedules[0].for_each[0] | takes more than 1048576 bytes of JSON",
  ),
  row(
    "a large argument",
    taskWith("expand_from: a.b", `expand_with: { a: ${"x".repeat(65_536)} }`),
    "8:18 error schedules[0].expand_with | 'expand_with' takes more than 65536 characters of JSON",
  ),
  row(
    "more objects than an expansion may return",
    taskWith(`for_each: [${"{},".repeat(100_001)}]`),
    "7:15 error schedules[0].for_each | 'for_each' holds 100001 objects, more than 100000",
  ),
  row(
    "what JSON cannot carry, deep inside",
    taskOf("{ worker_type: w, payload: { a: [1, .nan], b: -.inf } }"),
    `6:47 error schedules[0].task.payload.a[1] | ${NAME}: 'task.payload.a[1]' is NaN, which JSON`,
    "6:57 error schedules[0].task.payload.b | 'task.payload.b' is -Infinity, which JSON cannot",
  ),
  row(
    "a context that contains itself",
    goalOf("{ instruction: i, context: &c { a: [*c] } }"),
    "6:47 error schedules[0].goal.context.a[0] | 'goal.context.a[0]' contains itself",
  ),
];

/** What the Python scheduler runs by, and an editor that goes by the schema may flag. */
export const PLAIN: readonly Row[] = [
  ...PLAIN_VALUES.map(([line, at, ...fragments]) =>
    row(
      `${line}, which Python runs by`,
      line.startsWith("interval_seconds") ? untimedWith(line) : taskWith(line),
      `${line.startsWith("interval_seconds") ? 6 : 7}:${at} warning schedules[0].${
        line.split(":")[0]
      } | ${[NAME, ...fragments].join(" | ")}`,
    )
  ),
  row(
    "an empty instruction",
    goalOf("{ instruction: '' }"),
    `6:26 warning schedules[0].goal.instruction | ${NAME}: 'goal.instruction' is empty, and the ` +
      "goal is sent without one",
  ),
  row(
    "numbers for names",
    taskWith("labels: { team: 7 }").replace("name: s", "name: 42").replace("name: n", "name: 404")
      .replace("worker_type: w", "worker_type: 5"),
    "1:7 warning name | Top level: 'name' is 42, read as the text \"42\": put it in quotes",
    "3:11 warning schedules[0].name | schedules[0]: 'name' is 404, read as the text \"404\"",
    "5:26 warning schedules[0].task.worker_type | 'task.worker_type' is 5, read as the text",
    "7:21 warning schedules[0].labels.team | 'labels.team' is 7, read as the text \"7\"",
  ),
  row(
    "a file's zone that is empty",
    `timezone: ''\n${taskWith()}`,
    "1:11 warning timezone | Top level: 'timezone' is \"\", which counts as absent: remove it",
  ),
  row(
    "a number that stands for a goal's instruction, on a task entry",
    taskWith("goal: { instruction: 5 }"),
    "7:5 warning schedules[0].goal | has no effect",
  ),
];
