/**
 * Configurations and what is reported about them. An expected problem is written
 * `LINE:COLUMN severity PATH | fragment of the message | …`, all of a file's in the order of the file.
 */
export interface Row {
  readonly promise: string;
  readonly yaml: string;
  readonly problems: readonly string[];
}

/** A right `task` entry, then `more` from line 7, column 5 on. */
export function taskWith(...more: string[]): string {
  return [
    "name: s",
    "schedules:",
    "  - name: n",
    "    dispatch_type: task",
    "    task: { worker_type: w }",
    "    interval_seconds: 60",
    ...more.map((line) => `    ${line}`),
    "",
  ].join("\n");
}

/** A `task` entry without timing, then `more` from line 6, column 5 on. */
export function untimedWith(...more: string[]): string {
  return taskWith(...more).replace("    interval_seconds: 60\n", "");
}

/** A `goal` entry whose `goal` block is `goal`, on line 6 from column 11 on. */
export function goalOf(goal: string): string {
  return [
    "name: s",
    "schedules:",
    "  - name: n",
    "    dispatch_type: goal",
    "    interval_seconds: 60",
    `    goal: ${goal}`,
    "",
  ].join("\n");
}

/** The same for a `task`. */
export function taskOf(task: string): string {
  return goalOf(task).replace("dispatch_type: goal", "dispatch_type: task")
    .replace("    goal:", "    task:");
}

/** The same for a `message`, from column 14 on. */
export function messageOf(message: string): string {
  return goalOf(message).replace("dispatch_type: goal", "dispatch_type: message")
    .replace("    goal:", "    message:");
}

const NAME = 'schedules[0] "n"';

/** Keys of other schedulers that would stop, move or redirect a job, and what is said. */
const BORROWED_ERRORS: readonly (readonly [line: string, advice: string])[] = [
  ...[
    "suspend: true",
    "suspended: yes-please",
    "disabled: true",
    "disable: 1",
    "paused: true",
    "pause: true",
    "skip: true",
    "active: false",
    "enable: false",
    "isActive: 0",
    "enabld: false",
  ].map((line) => [line, "it would fire all the same: write 'enabled: false'"] as const),
  ...["at: '09:00'", "run_at: x", "runDate: x", "time: '09:00'", "date: x"].map((line) =>
    [line, "write the time as 'cron'"] as const
  ),
  ...["subject: my.subject", "topic: t", "queue: q", "routing_key: k"].map((line) =>
    [
      line,
      "goals go to heddle.goals.incoming and tasks to heddle.tasks.incoming, nowhere else: for a " +
      "subject of your own write 'dispatch_type: message' and 'message.subject'",
    ] as const
  ),
];

/** Keys of other schedulers that are not fatal, and what is said. */
const BORROWED_WARNINGS: readonly (readonly [line: string, hint: string])[] = [
  ["suspend: false", ": an entry fires unless it says 'enabled: false'"],
  ["disabled:", ": an entry fires unless"],
  ["active: true", ": an entry fires unless"],
  ["schedule: 0 9 * * *", ": write 'cron'"],
  ["every: 5m", ": write 'interval_seconds'"],
  ["interval: 300", ": write 'interval_seconds'"],
  ["minutes: 5", ": write 'interval_seconds', 60 for each minute"],
  ["tz: UTC", ": write 'timezone'"],
  ["timeZone: UTC", ": write 'timezone'"],
  ["jitter: 5", ' (did you mean "jitter_seconds"?)'],
  ["misfire_grace: 5", ' (did you mean "misfire_grace_seconds"?)'],
  ["timeout: 5", ": write 'expand_timeout_seconds'"],
  ["start: x", ' (did you mean "start_at"?)'],
  ["end: x", ' (did you mean "end_at"?)'],
  ["end_date: x", ": write 'end_at'"],
  ["startingDeadlineSeconds: 5", ": write 'misfire_grace_seconds'"],
  ["catchup: true", ": write 'catch_up'"],
  ["retries: 3", ": an entry does not try again"],
  ["concurrencyPolicy: Forbid", ": an entry never overlaps itself"],
  ["max_instances: 1", ": an entry never overlaps itself"],
  ["type: goal", ": write 'dispatch_type'"],
  ["tags: [a]", ": write 'labels'"],
  ["args: [a]", ": write it into 'task.payload'"],
  ["command: ls", ": a worker does the work"],
  ["condition: x", ": where nothing is to be done, a function of 'expand_from'"],
  ["instruction: x", ": it stands in 'goal'"],
  ["payload: {}", ": it stands in 'task'"],
  ["priority: low", ": it stands in 'goal' or 'task'"],
];

/** Wrong types and values, key by key, and missing keys: what the schema refuses too. */
export const STRUCTURE: readonly Row[] = [
  row("a list in place of the file", "- a\n", "1:1 error  | expected a mapping, got a list"),
  row("a word in place of the file", "hello\n", '1:1 error  | expected a mapping, got "hello"'),
  row("null in place of the file", "~\n", "1:1 error  | expected a mapping, got null"),
  row("no name", "schedules: []\n", "1:1 error  | Top level: missing required key 'name'"),
  row("no schedules", "name: s\n", "1:1 error  | Top level: missing required key 'schedules'"),
  row(
    "an empty mapping lacks both",
    "{}\n",
    "1:1 error  | missing required key 'name'",
    "1:1 error  | missing required key 'schedules'",
  ),
  row(
    "a null name",
    "name:\nschedules: []\n",
    "1:1 error name | missing required key 'name' | got null",
  ),
  row("an empty name", 'name: ""\nschedules: []\n', "1:7 error name | 'name' must be a string"),
  row("a fraction for a name", "name: 5.5\nschedules: []\n", "1:7 error name | string | got 5.5"),
  row("a list for a name", "name: [s]\nschedules: []\n", "1:7 error name | got a list"),
  row(
    "null schedules",
    "name: s\nschedules:\n",
    "2:1 error schedules | missing required key 'schedules' | a list of schedules",
  ),
  row(
    "schedules that are a mapping",
    "name: s\nschedules: { a: 1 }\n",
    "2:12 error schedules | 'schedules' must be a list of schedules | got a mapping",
  ),
  row(
    "a number for the file's zone",
    "name: s\ntimezone: 5\nschedules: []\n",
    "2:11 error timezone | Top level: 'timezone' must be an IANA time zone | got 5",
  ),
  row(
    "an entry that is a word",
    "name: s\nschedules:\n  - nightly\n",
    '3:5 error schedules[0] | schedules[0]: expected a mapping, got "nightly"',
  ),
  row(
    "an entry that is null",
    "name: s\nschedules:\n  -\n",
    "3:3 error schedules[0] | expected a mapping, got null",
  ),
  row(
    "an entry that is a list",
    "name: s\nschedules:\n  - - a\n",
    "3:5 error schedules[0] | expected a mapping, got a list",
  ),
  row(
    "a wire that is none",
    "name: s\nwire: v2\nschedules: []\n",
    "2:7 error wire | Top level: 'wire' must be 'v1' or 'envelope', got \"v2\" (did you mean \"v1\"?)",
  ),
  row(
    "an entry without anything",
    "name: s\nschedules:\n  - {}\n",
    "3:5 error schedules[0] | schedules[0]: missing required key 'name'",
    "3:5 error schedules[0] | missing required key 'dispatch_type' | must be 'goal' or 'task'",
    "3:5 error schedules[0] | must specify either 'cron' or 'interval_seconds'",
  ),
  row(
    "an entry whose keys are all null",
    "name: s\nschedules:\n  - name:\n    cron:\n    interval_seconds: ~\n    dispatch_type: null\n",
    "3:5 error schedules[0].name | missing required key 'name' | got null",
    "3:5 error schedules[0] | must specify either 'cron' or 'interval_seconds'",
    "6:20 error schedules[0].dispatch_type | missing required key 'dispatch_type' | got null",
  ),
  row(
    "an entry's empty name",
    taskWith().replace("- name: n", '- name: ""'),
    "3:11 error schedules[0].name | schedules[0]: 'name' must be a string that is not empty | \"\"",
  ),
  row(
    "an entry's name that is a truth value",
    taskWith().replace("- name: n", "- name: true"),
    "3:11 error schedules[0].name | schedules[0]: 'name' must be a string | got true",
  ),
  row(
    "an entry's name that is too long",
    taskWith().replace("- name: n", `- name: ${"x".repeat(257)}`),
    "3:11 error schedules[0].name | no longer than 256 characters",
  ),
  row(
    "a number for a cron expression",
    untimedWith("cron: 5"),
    `6:11 error schedules[0].cron | ${NAME}: invalid cron expression: 'cron' must be | got 5`,
  ),
  row(
    "false for a cron expression",
    untimedWith("cron: false"),
    "6:11 error schedules[0].cron | got false: write enabled: false to turn an entry off",
  ),
  row(
    "a list for a cron expression",
    untimedWith("cron: ['0 * * * *']"),
    "6:11 error schedules[0].cron | invalid cron expression | got a list: write an entry for each",
  ),
  ...[
    ["true", "true"],
    ['"300"', '"300": write the number without quotes'],
    ["0", "got 0"],
    ["-0.5", "got -0.5"],
    [".nan", "got NaN"],
    [".inf", "got Infinity"],
    ["-.inf", "got -Infinity"],
    ["0.0001", "got 0.0001"],
    ["1e300", "got 1e+300"],
    ["[300]", "got a list"],
  ].map(([value, got]) =>
    row(
      `an interval of ${value}`,
      untimedWith(`interval_seconds: ${value}`),
      ...(value === "1e300" ? ["6:23 warning schedules[0].interval_seconds | 1e300"] : []),
      `6:23 error schedules[0].interval_seconds | ${NAME}: 'interval_seconds' must be a positive ` +
        `number | ${got}`,
    )
  ),
  row(
    "both timings",
    taskWith('cron: "0 * * * *"'),
    `6:5 error schedules[0].interval_seconds | ${NAME}: cannot specify both 'cron' and ` +
      "'interval_seconds'",
  ),
  row(
    "neither timing",
    untimedWith(),
    `3:5 error schedules[0] | ${NAME}: must specify either 'cron' or 'interval_seconds'`,
  ),
  ...[
    ["gaol", '"gaol" (did you mean "goal"?)'],
    ["Task", '"Task" (did you mean "task"?)'],
    ["job", '"job"'],
    ["[task]", "a list"],
    ["true", "true"],
  ].map(([value, got]) =>
    row(
      `a dispatch type of ${value}`,
      taskWith().replace("dispatch_type: task", `dispatch_type: ${value}`),
      "4:20 error schedules[0].dispatch_type | 'dispatch_type' must be 'goal' or 'task', or " +
        `'message' for a subject of your own, got ${got}`,
    )
  ),
  row(
    "a goal entry without a goal",
    goalOf("{ instruction: i }").replace(/ {4}goal:.*\n/, ""),
    `3:5 error schedules[0] | ${NAME}: dispatch_type 'goal' requires a 'goal' dict`,
  ),
  row(
    "a goal that is a word",
    goalOf("summarize"),
    "6:11 error schedules[0].goal | requires a 'goal' dict, got \"summarize\"",
  ),
  row("a null goal", goalOf(""), "6:5 error schedules[0].goal | requires a 'goal' dict"),
  row(
    "a goal without an instruction",
    goalOf("{ priority: low }"),
    "6:11 error schedules[0].goal | goal config missing 'instruction'",
  ),
  row(
    "a null instruction",
    goalOf("{ instruction: ~ }"),
    "6:26 error schedules[0].goal.instruction | goal config missing 'instruction' | got null",
  ),
  row(
    "an instruction that is a list",
    goalOf("{ instruction: [a] }"),
    "6:26 error schedules[0].goal.instruction | 'goal.instruction' must be a string | got a list",
  ),
  row(
    "a context that is a list",
    goalOf("{ instruction: i, context: [a] }"),
    "6:38 error schedules[0].goal.context | 'goal.context' must be a mapping, got a list",
  ),
  row(
    "a goal's priority nobody knows",
    goalOf("{ instruction: i, priority: hihg }"),
    "6:39 error schedules[0].goal.priority | 'low', 'normal', 'high' or 'critical', got " +
      '"hihg" (did you mean "high"?)',
  ),
  row(
    "a task entry without a task",
    taskWith().replace(/ {4}task:.*\n/, ""),
    `3:5 error schedules[0] | ${NAME}: dispatch_type 'task' requires a 'task' dict`,
  ),
  row(
    "a task that is a list",
    taskOf("[w]"),
    "6:11 error schedules[0].task | requires a 'task' dict, got a list",
  ),
  row(
    "a task without a worker type",
    taskOf("{ payload: {} }"),
    "6:11 error schedules[0].task | task config missing 'worker_type'",
  ),
  row(
    "a worker type that is empty",
    taskOf("{ worker_type: '' }"),
    "6:26 error schedules[0].task.worker_type | task config missing 'worker_type' | not empty",
  ),
  row(
    "a payload that is a word",
    taskOf("{ worker_type: w, payload: x }"),
    "6:38 error schedules[0].task.payload | 'task.payload' must be a mapping, got \"x\"",
  ),
  row(
    "a model tier nobody knows",
    taskOf("{ worker_type: w, model_tier: lokal }"),
    "6:41 error schedules[0].task.model_tier | 'local', 'standard' or 'frontier', got " +
      '"lokal" (did you mean "local"?)',
  ),
  row(
    "a task's priority that is a number",
    taskOf("{ worker_type: w, priority: 1 }"),
    "6:39 error schedules[0].task.priority | 'task.priority' must be | got 1",
  ),
  ...[
    ["expand_from", "5", "a string such as | got 5"],
    ["expand_timeout_seconds", "0", "a positive number of seconds | got 0"],
    ["expand_timeout_seconds", "true", "a positive number of seconds | got true"],
    ["expand_timeout_seconds", "86401", "at most 86400, got 86401"],
    ["enabled", '"true"', 'true or false, got "true": write it without quotes'],
    ["enabled", "1", "true or false, got 1"],
    ["timezone", "[UTC]", "an IANA time zone | got a list"],
    ["jitter_seconds", "-1", "0 to 3155760000, got -1"],
    ["jitter_seconds", "false", "a number of seconds | got false"],
    ["jitter_seconds", ".nan", "a number of seconds | got NaN"],
    ["run_on_start", "{}", "true or false, got an empty mapping"],
    ["start_at", "5", "an instant such as | got 5"],
    ["end_at", "[2026]", "an instant such as | got a list"],
    ["misfire_grace_seconds", "-0.1", "0 or more, got -0.1"],
    ["misfire_grace_seconds", ".inf", "0 or more, got Infinity"],
    ["misfire_grace_seconds", '"a"', '0 or more, got "a"'],
    ["catch_up", "last", "'none', 'one' or 'all', got \"last\""],
    ["catch_up", "ALL", 'got "ALL" (did you mean "all"?)'],
    ["catch_up", "true", "got true"],
  ].map(([key = "", value = "", got = ""]) =>
    row(
      `${key} of ${value}`,
      taskWith(`${key}: ${value}`),
      `7:${key.length + 7} error schedules[0].${key} | ${NAME}: '${key}' must be | ${got}`,
    )
  ),
  row(
    "an unknown key at the top",
    "name: s\nschedule: []\nschedules: []\n",
    '2:1 warning schedule | Top level: unknown key "schedule" has no effect: keys of your own',
  ),
  row(
    "a zone's key with a slip",
    "name: s\ntimezon: UTC\nschedules: []\n",
    '2:1 warning timezon | (did you mean "timezone"?)',
  ),
  row(
    "an unknown key with a slip",
    untimedWith("interval_second: 60"),
    `3:5 error schedules[0] | must specify either`,
    `6:5 warning schedules[0].interval_second | ${NAME}: unknown key "interval_second" has no effect ` +
      '(did you mean "interval_seconds"?)',
  ),
  row(
    "an unknown key in camel case",
    taskWith("runOnStart: true"),
    '7:5 warning schedules[0].runOnStart | (did you mean "run_on_start"?)',
  ),
  row(
    "an unknown key like none",
    taskWith("owner: ops"),
    '7:5 warning schedules[0].owner | unknown key "owner" has no effect: keys of your own begin with "x-"',
  ),
  row(
    "a message entry without a message",
    messageOf("{ subject: a }").replace(/ {4}message:.*\n/, ""),
    `3:5 error schedules[0] | ${NAME}: dispatch_type 'message' requires a 'message' dict`,
  ),
  row(
    "a message that is a subject",
    messageOf("jobs.a"),
    "6:14 error schedules[0].message | requires a 'message' dict, got \"jobs.a\"",
  ),
  row(
    "a message without a subject",
    messageOf("{ payload: { a: 1 } }"),
    "6:14 error schedules[0].message | message config missing 'subject': it must be a subject such",
  ),
  row(
    "an empty subject",
    messageOf('{ subject: "" }'),
    "6:25 error schedules[0].message.subject | message config missing 'subject'",
  ),
  row(
    "a subject that is longer than the server may take",
    messageOf(`{ subject: ${"x".repeat(257)} }`),
    "6:25 error schedules[0].message.subject | no longer than 256 characters, got",
  ),
  row(
    "a subject that is a number",
    messageOf("{ subject: 5 }"),
    "6:25 error schedules[0].message.subject | 'message.subject' must be a subject such as | got 5",
  ),
  row(
    "a payload that is a list",
    messageOf("{ subject: a, payload: [1] }"),
    "6:37 error schedules[0].message.payload | 'message.payload' must be a mapping, got a list",
  ),
  row(
    "headers that are a list, and values that are none",
    messageOf("{ subject: a, headers: [b] }"),
    "6:37 error schedules[0].message.headers | 'message.headers' must be a mapping of strings",
  ),
  ...["true", "[b]", "", "1.5"].map((value) =>
    row(
      `a header of ${value || "nothing"}`,
      messageOf(`{ subject: a, headers: { X-A: ${value} } }`),
      `6:${value === "" ? 39 : 44} error schedules[0].message.headers.X-A | ${NAME}: ` +
        "'message.headers.X-A' must be a string",
    )
  ),
  row(
    "an unknown key in a message",
    messageOf("{ subject: a, data: { b: 1 } }"),
    "6:28 warning schedules[0].message.data | in 'message' has no effect: what is sent stands in " +
      "'payload'",
  ),
  row(
    "a message's key in the entry",
    taskWith("headers: { X-A: b }"),
    "7:5 warning schedules[0].headers | has no effect: it stands in 'message'",
  ),
  row(
    "an unknown key in a task",
    taskOf("{ worker_type: w, max_retries: 3 }"),
    "6:29 warning schedules[0].task.max_retries | unknown key \"max_retries\" in 'task' has no " +
      "effect: what is sent stands in 'payload'",
  ),
  row(
    "an unknown key in a goal",
    goalOf("{ instruction: i, prio: low }"),
    "6:29 warning schedules[0].goal.prio | in 'goal' has no effect (did you mean \"priority\"?)",
  ),
  ...BORROWED_ERRORS.map(([line, advice]) =>
    row(
      `${line}, which another scheduler would act on`,
      taskWith(line),
      `7:5 error schedules[0].${line.split(":")[0]} | ${NAME}: unknown key | ${advice}`,
    )
  ),
  ...BORROWED_WARNINGS.map(([line, hint]) =>
    row(
      `${line}, a key of another scheduler`,
      taskWith(line),
      `7:5 warning schedules[0].${
        line.split(":")[0]
      } | ${NAME}: unknown key | has no effect${hint}`,
    )
  ),
  row(
    "another scheduler's word at the top of the file",
    `tz: UTC\nretries: 3\n${taskWith()}`,
    "1:1 warning tz | Top level: unknown key \"tz\" has no effect: write 'timezone'",
    '2:1 warning retries | has no effect: keys of your own begin with "x-"',
  ),
  row(
    "a switch at the top of the file",
    `enabled: false\n${taskWith()}`,
    '1:1 error enabled | Top level: unknown key "enabled": it would fire all the same',
  ),
  row(
    "a switch in what is sent",
    taskOf("{ worker_type: w, suspend: true }"),
    "6:29 error schedules[0].task.suspend | unknown key \"suspend\" in 'task': it would fire",
  ),
  row(
    "a subject in what is sent, which may be data",
    taskOf("{ worker_type: w, subject: x }"),
    "6:29 warning schedules[0].task.subject | has no effect: what is sent stands in 'payload'",
  ),
  row(
    "an entry's key at the top of the file",
    `jitter_seconds: 5\n${taskWith()}`,
    '1:1 warning jitter_seconds | Top level: unknown key "jitter_seconds" has no effect: it stands ' +
      "in an entry",
  ),
  row(
    "an entry's key in what is sent",
    goalOf("{ instruction: i, timezone: UTC }"),
    "6:29 warning schedules[0].goal.timezone | in 'goal' has no effect: it stands beside 'goal'",
  ),
  row(
    "a label that is no string",
    taskWith("labels: { team: [ops] }"),
    "7:21 error schedules[0].labels.team | 'labels.team' must be a string, got a list",
  ),
  row(
    "a label that is null",
    taskWith("labels: { team: }"),
    "7:15 error schedules[0].labels.team | 'labels.team' must be a string, got null",
  ),
  row(
    "labels that are a list",
    taskWith("labels: [ops]"),
    "7:13 error schedules[0].labels | 'labels' must be a mapping of strings, got a list",
  ),
  row(
    "both kinds of expansion",
    taskWith("expand_from: a.b", "for_each: [{ a: 1 }]"),
    "8:15 error schedules[0].for_each | cannot specify both 'expand_from' and 'for_each'",
  ),
  row(
    "objects that are none",
    taskWith("for_each: [{ a: 1 }, acme, 5]"),
    `7:26 error schedules[0].for_each[1] | 'for_each[1]' must be a mapping, got "acme"`,
  ),
  row(
    "for_each that is no list, and an argument that is no mapping",
    taskWith("for_each: acme", "expand_with: [acme]"),
    `7:15 error schedules[0].for_each | 'for_each' must be a list of mappings, got "acme"`,
    "8:5 warning schedules[0].expand_with | 'expand_with' is ignored, since there is no",
    "8:18 error schedules[0].expand_with | 'expand_with' must be a mapping, got a list",
  ),
  row(
    "expand_allow whose lists are none, and a key that it has not",
    "name: s\nschedules: []\nexpand_allow:\n  read: /srv\n  net:\n  write: [a]\n",
    "4:9 error expand_allow.read | Top level: 'expand_allow.read' must be a list of paths, got",
    "5:3 error expand_allow.net | missing 'net': it must be a list such as | got null",
    "6:3 warning expand_allow.write | unknown key \"write\" in 'expand_allow' | allowed are read, net",
  ),
  row(
    "a path of expand_allow that is no text",
    "name: s\nschedules: []\nexpand_allow: { read: [5] }\n",
    "3:24 error expand_allow.read[0] | 'expand_allow.read[0]' is 5: expected the path of a file",
  ),
  row(
    "a key that is no word",
    taskWith('"a b": 1'),
    '7:5 warning schedules[0]["a b"] | unknown key "a b"',
  ),
];

/** One row of the table. */
export function row(promise: string, yaml: string, ...problems: string[]): Row {
  return { promise, yaml, problems };
}
