import { goalOf, messageOf, taskOf, taskWith, untimedWith } from "./config_problem_rows.ts";

/** Configurations that nothing is to be reported about. */
export const VALID: readonly (readonly [what: string, yaml: string])[] = [
  ["no schedules", "name: s\nschedules: []\n"],
  ["JSON", '{"name": "s", "schedules": []}'],
  ["a byte order mark", "\uFEFFname: s\nschedules: []\n"],
  ["CRLF", taskWith().replaceAll("\n", "\r\n")],
  ["one document between markers", `---\n${taskWith()}...\n`],
  ["a scheduler's name with dots", "name: my.sched-1_ü\nschedules: []\n"],
  ["a name with spaces", taskWith().replace("- name: n", "- name: Every night, twice")],
  ["the longest name", taskWith().replace("- name: n", `- name: ${"x".repeat(256)}`)],
  ["the shortest interval", untimedWith("interval_seconds: 0.001")],
  ["the shortest grace", taskWith("misfire_grace_seconds: 1")],
  ["a plain cron expression", untimedWith("cron: 0 3 * * MON-FRI")],
  ["a quoted nickname", untimedWith('cron: "@daily"')],
  ["plain instants", taskWith("start_at: 2026-03-01T08:00:00Z", "end_at: 2026-03-01 08:00:01Z")],
  ["quoted words that YAML 1.1 knows", taskOf('{ worker_type: "yes", payload: { "on": "1:30" } }')],
  [
    "numbers both read alike, with tags and without",
    taskOf(
      "{ worker_type: w, payload: { a: [0, -1, 007, 1.5, .5, 0x1F, 1.0e+3, +1, !!int 7, !!str 010] } }",
    ),
  ],
  ["a date with quotes", taskOf('{ worker_type: w, payload: { a: "2026-03-01" } }')],
  ["a description and labels", taskWith("description: Why", 'labels: { team: ops, "on": "5" }')],
  [
    "keys of one's own, at every level",
    `x-owner: ops\n${taskWith("x-owner: { a: [1] }")}` + goalOf("{ instruction: i, x-note: 5 }")
      .replace("name: s\nschedules:\n  - name: n", "  - name: m"),
  ],
  ["a dotted expansion", taskWith("expand_from: sessions.active_sessions")],
  ["an expansion's file and export", taskWith('expand_from: "./a/../b c/x.ts#getActive"')],
  ["objects", taskWith("for_each: [{ tenant: a }, { tenant: b, n: [1] }]", "expand_from: null")],
  ["an argument", taskWith("expand_from: a.b", "expand_with: { tenant: a }", "for_each: ~")],
  [
    "what expansions may reach",
    "name: s\nschedules: []\nexpand_allow: { read: [/srv, ../data, a b], " +
    "net: [localhost, 'a-b.example:443', '127.0.0.1:80', '[::1]:80', '[::1]', db_1:5432] }\n",
  ],
  ["no network for expansions", "name: s\nschedules: []\nexpand_allow: { net: [] }\n"],
  ["a message", messageOf("{ subject: jobs.cache.refresh }")],
  ["the longest subject", messageOf(`{ subject: ${"x".repeat(256)} }`)],
  ["a subject of Heddle's", messageOf("{ subject: heddle.tasks.incoming, payload: ~ }")],
  ["words that only seem reserved", messageOf("{ subject: heddle.scheduled._INBOX.$ö }")],
  [
    "headers",
    messageOf(`{ subject: a, headers: { X-Tenant: a, x-b: "", "!#$%&'*+-.^_\`|~": "Größe\\t1" } }`),
  ],
  ["a message with objects", messageOf("{ subject: a }") + "    for_each: [{ tenant: a }]\n"],
  ["both wires, and none", "name: s\nwire: envelope\nschedules: []\n"],
  ["a wire that is left out", "name: s\nwire:\nschedules: []\n"],
  ["an input", taskOf("{ worker_type: w, input: { a: 1 }, payload: ~ }")],
  ["a zone in lower case", taskWith("timezone: europe/berlin")],
  [
    "a harmless __proto__",
    taskOf("{ worker_type: w, payload: { __proto__: { polluted: true } } }"),
  ],
];
