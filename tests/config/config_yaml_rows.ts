import { goalOf, type Row, row, taskOf, taskWith } from "./config_problem_rows.ts";

/** What is wrong, or doubtful, about how a file is written. */
export const YAML: readonly Row[] = [
  row("an empty file", "", "1:1 error  | The file is empty: expected a mapping with 'name'"),
  row("a file of comments", "# nothing\n\n", "1:1 error  | The file is empty"),
  row(
    "two documents",
    "name: s\nschedules: []\n---\nname: t\n",
    "3:1 error  | a second one begins here",
  ),
  row(
    "two documents with markers",
    "---\nname: s\nschedules: []\n---\n",
    "4:1 error  | a second one begins here",
  ),
  row("two empty documents", "---\n---\n", "2:1 error  | a second one begins here"),
  row(
    "a tab for indentation",
    "name: s\nschedules:\n\t- name: n\n",
    "3:1 error  | Not valid YAML | tab | indent with spaces",
  ),
  row(
    "an expression that begins with a bare star",
    taskWith("cron: * * * * *"),
    '7:11 error  | Not valid YAML | a value that begins with "*" must be quoted',
  ),
  row(
    "a bare */5",
    taskWith("cron: */5 * * * *"),
    '7:11 error  | Not valid YAML | a value that begins with "*" must be quoted',
  ),
  row(
    "a bare @daily",
    taskWith("cron: @daily"),
    '7:11 error  | Not valid YAML | a value that begins with "@" must be quoted',
  ),
  row("an alias of nothing", taskOf("*t"), '6:11 error  | unidentified alias "t"'),
  row(
    "an unclosed bracket",
    taskOf("{ worker_type: w"),
    "7:1 error  | deficient indentation | is not closed",
  ),
  row(
    "an unclosed quote",
    taskOf('{ worker_type: "w'),
    "7:1 error  | deficient indentation | a quote is not closed",
  ),
  row(
    "a bracket unclosed at the end",
    "name: [s",
    "1:9 error  | end of the stream | is not closed",
  ),
  row("a quote unclosed at the end", "name: 's", "1:9 error  | end of the stream | is not closed"),
  row(
    "a tag of Python's",
    taskOf("!!python/object:os.system {}"),
    "6:11 error  | unknown mapping tag | write the value without a tag",
  ),
  row(
    "a tag of one's own",
    taskWith("enabled: !yes x"),
    "7:14 error  | unknown scalar tag !<!yes>",
  ),
  row(
    "a key that is a list",
    taskOf("{ worker_type: w, payload: { ? [a] : 1 } }"),
    "6:42 error  | complex keys | a plain word or a quoted string",
  ),
  row(
    "a value with a colon in it",
    goalOf("{}").replace("{}", "\n      instruction: Fix: this\n"),
    "7:23 error  | Not valid YAML",
  ),
  row(
    "a key that stands askew",
    "name: s\n  timezone: UTC\nschedules: []\n",
    "2:11 error  | Not valid YAML | must stand in one column",
  ),
  row("a null byte", "name: s\0\nschedules: []\n", "1:8 error  | null byte"),
  row(
    "a merge of no mapping",
    taskWith("<<: 5"),
    '7:5 error  | cannot merge mappings | "<<" takes a mapping',
  ),
  row(
    "nesting without end",
    goalOf(`{ instruction: i, context: { a: ${"[".repeat(200)}${"]".repeat(200)} } }`),
    "6:138 error  | nesting exceeded maxDepth (100) | less deep",
  ),
  row(
    "a key that stands twice",
    taskWith("interval_seconds: 90"),
    '7:5 warning schedules[0].interval_seconds | schedules[0]: the key "interval_seconds" stands ' +
      "twice, first at line 6, column 5: the last one counts",
  ),
  row(
    "a wrong value under a key that stands twice, where it counts",
    taskWith("interval_seconds: -1"),
    "7:5 warning schedules[0].interval_seconds | stands twice",
    "7:23 error schedules[0].interval_seconds | got -1",
  ),
  row(
    "a key that stands twice at the top",
    "name: a\nname: b\nschedules: []\n",
    '2:1 warning name | the document: the key "name" stands twice, first at line 1, column 1',
  ),
  row(
    "CRLF line ends",
    "name: s\r\nschedules:\r\n  - x\r\n",
    "3:5 error schedules[0] | expected a mapping",
  ),
  row("lone CR line ends", "name: s\rschedules:\r  - x\r", '3:5 error schedules[0] | got "x"'),
  row(
    "what an alias brings in, where it is written",
    taskWith("jitter_seconds: &j -1", "misfire_grace_seconds: *j"),
    "7:24 error schedules[0].jitter_seconds | got -1",
    "8:28 error schedules[0].misfire_grace_seconds | got -1",
  ),
  row(
    "what a merge key brings in, where it is written",
    `name: s
schedules:
  - &base
    name: a
    interval_seconds: 60
    dispatch_type: task
    task: { worker_type: w }
    jitter_seconds: -1
  - <<: *base
    name: b
`,
    '8:21 error schedules[0].jitter_seconds | schedules[0] "a"',
    '8:21 error schedules[1].jitter_seconds | schedules[1] "b"',
  ),
  row(
    "a block scalar, at its key",
    taskWith("expand_from: |", "  a b"),
    "7:5 error schedules[0].expand_from | a control character in it",
  ),
  ...[
    ["yes", 'the string "yes"', "true"],
    ["Off", 'the string "Off"', "false"],
    ["010", "the number 10", "the number 8"],
    ["089", "the number 89", 'the string "089"'],
    ["0o17", "the number 15", 'the string "0o17"'],
    ["0b101", 'the string "0b101"', "the number 5"],
    ["-0x1F", 'the string "-0x1F"', "the number -31"],
    ["1_000", 'the string "1_000"', "the number 1000"],
    ["1:30", 'the string "1:30"', "the number 90"],
    ["1:30.5", 'the string "1:30.5"', "the number 90.5"],
    ["1e3", "the number 1000", 'the string "1e3"'],
    ["-.5", "the number -0.5", 'the string "-.5"'],
    ["2026-03-01", 'the string "2026-03-01"', "a date"],
    ["2026-03-01 08:00:00", 'the string "2026-03-01 08:00:00"', "a date and time"],
    ["9007199254740993", "the number 9007199254740992", "the number 9007199254740993"],
    ["=", 'the string "="', "an error"],
    ["1e300", "the number 1e+300", 'the string "1e300"'],
    ["99999999999999999999", "the number 100000000000000000000", "the number 99999999999999999999"],
  ].map(([scalar, here, python]) =>
    row(
      `${scalar}, which Python reads differently`,
      taskOf(`{ worker_type: w, payload: { a: ${scalar} } }`),
      `6:43 warning schedules[0].task.payload.a | ${scalar} is read as ${here} here, and as ` +
        `${python} by Python's YAML 1.1`,
    )
  ),
  ...["]", "}"].map((bracket) =>
    row(
      `a ${bracket} in its key's column, which Python reads`,
      taskOf(
        bracket === "]"
          ? "{ worker_type: w, payload: { a: [\n      1\n    ] } }"
          : "{\n      worker_type: w, jitter: 1\n    }",
      ),
      ...(bracket === "}"
        ? [
          "7:23 warning schedules[0].task.jitter",
          "8:5 warning  | The line does not stand to the right of its key | YAML 1.2 forbids",
        ]
        : ["8:5 warning  | The line does not stand to the right of its key | indent it"]),
    )
  ),
  row(
    "what is wrong in a line that is not indented, where it stands in the file",
    taskOf("{\nworker_type: w,\n  jitter: 1, model_tier: lokal\n}"),
    "7:1 warning  | The line does not stand",
    "8:3 warning  | The line does not stand",
    "8:3 warning schedules[0].task.jitter | has no effect",
    '8:26 error schedules[0].task.model_tier | got "lokal"',
    "9:1 warning  | The line does not stand",
  ),
  row(
    "a quoted text that goes on in the first column",
    goalOf('{ instruction: "Sum\nup" }'),
    "7:1 warning  | The line does not stand to the right of its key",
  ),
  row(
    "two merge keys in one mapping",
    taskWith("goal: {}", "<<: { jitter_seconds: 1 }", "<<: { jitter_seconds: 2 }"),
    "7:5 warning schedules[0].goal | has no effect",
    '9:5 warning schedules[0]["<<"] | the key "<<" stands twice | of two values the first counts',
  ),
  row(
    "two keys that Python takes for one",
    taskOf("{ worker_type: w, payload: { true: 1, 1: 2 } }"),
    '6:49 warning schedules[0].task.payload["1"] | Python takes two keys for one',
  ),
  row(
    "two keys that Python takes for one, by way of a merge key",
    taskOf("{ worker_type: w, payload: { a: &a { true: 1 }, b: { <<: *a, 1: 2 } } }"),
    '6:64 warning schedules[0].task.payload.b["<<"] | Python takes two keys for one',
  ),
  row(
    "one key in two spellings",
    taskOf("{ worker_type: w, payload: { 1: 1, 0x1: 2 } }"),
    '6:46 warning schedules[0].task.payload["0x1"] | stands twice | the last one counts',
  ),
  row(
    "a key whose text Python writes otherwise",
    taskOf("{ worker_type: w, payload: { 1.0: 1 } }"),
    '6:40 warning schedules[0].task.payload["1.0"] | the key 1.0 is read as the string "1" here, ' +
      'and as the string "1.0" by Python',
  ),
  row(
    "an integer of more digits than anyone reads",
    taskOf(`{ worker_type: w, payload: { a: 1${"0".repeat(200)}7 } }`),
    `6:43 warning schedules[0].task.payload.a | 1${"0".repeat(59)}… is read as the number ` +
      `${BigInt(1e201)}`.slice(0, 30) + "… (202 digits) here, and as the number " +
      `1${"0".repeat(29)}… (202 digits) by Python`,
  ),
  row(
    "a large key that Python writes as it is written here, and one that it does not",
    taskOf("{ worker_type: w, payload: { 1.0e+300: 1, 1.0e+16: 1 } }"),
    '6:53 warning schedules[0].task.payload["1.0e+16"] | the string "10000000000000000" here, and ' +
      'as the string "1e+16" by Python',
  ),
  row(
    "a key that is no number to JSON",
    taskOf("{ worker_type: w, payload: { .inf: 1 } }"),
    '6:40 warning schedules[0].task.payload[".inf"] | the string "Infinity" here, and as a number ' +
      "that JSON cannot carry",
  ),
  row(
    "a key with a tag whose text Python writes otherwise",
    taskOf("{ worker_type: w, payload: { !!float 1e3: 1 } }"),
    '6:48 warning schedules[0].task.payload["1e3"] | the string "1000" here, and as the string ' +
      '"1000.0" by Python',
  ),
  row(
    "a question mark in brackets",
    taskOf("{ worker_type: w, payload: { a: [?x] } }"),
    "6:44 warning schedules[0].task.payload.a[0] | ?x is read as a string here, and as a part of a key",
  ),
  ...[
    ["!!int 010", "the number 10", "the number 8"],
    ['!!int "010"', "the number 10", "the number 8"],
    ["! 7", 'the string "7"', "the number 7"],
    ["! null", 'the string "null"', "null"],
  ].map(([scalar, here, python]) =>
    row(
      `${scalar}, which Python reads differently`,
      taskOf(`{ worker_type: w, payload: { a: ${scalar} } }`),
      `6:${scalar!.includes('"') ? 49 : 43 + scalar!.indexOf(" ") + 1} warning ` +
        `schedules[0].task.payload.a | is read as ${here} here, and as ${python} by`,
    )
  ),
  row(
    "a character that is a line break to Python",
    goalOf("{ instruction: a\u2028b }"),
    "6:27 warning  | U+2028 is a line break to Python's YAML | as an escape in double quotes",
  ),
  row(
    "a key that Python reads differently",
    taskOf("{ worker_type: w, payload: { on: 1 } }"),
    '6:40 warning schedules[0].task.payload.on | the key on is read as the string "on" here, and ' +
      "as true by Python's YAML 1.1",
  ),
];
