/** What is promised of the executable, and which test shows it. */
import assert from "node:assert/strict";

const PROMISES: [what: string, file: string, test: string][] = [
  [
    "--version",
    "commands",
    "--version names the program's version, the commit, Deno, V8 and the time zone data",
  ],
  ["run, every command", "commands", "run, status, fire and reload do their work on a server"],
  ["validate", "commands", "validate tells the place of what is wrong, and exits with 2"],
  ["simulate", "commands", "simulate lists what would fire"],
  ["schema", "commands", "schema prints the published JSON Schema"],
  ["memory bus", "commands", "on the memory bus stdout carries dispatches alone, stderr the log"],
  ["reload by message", "reload", "a message reloads"],
  ["reload by SIGHUP", "reload", "SIGHUP reloads; a file that is wrong keeps the old schedules"],
  ["a config map, --watch-config", "reload", "--watch-config follows a config map's links"],
  [".js from disk", "expansions", "JavaScript from disk, with what it imports from beside it"],
  ["compiled in", "expansions", "compiled in, TypeScript too: nothing needs to be on the disk"],
  [".ts from disk", "expansions", "TypeScript from disk works, or the error says what to do"],
  ["hanging", "expansions", "one that hangs is killed when its time is over"],
  ["missing, unreadable", "end", "a file that is missing or unreadable ends it with 2"],
  ["SIGTERM in a burst", "end", "SIGTERM in a burst: what was begun is sent whole"],
  ["a second SIGTERM", "end", "a second SIGTERM ends it at once"],
  ["no server", "end", "without a server the start fails and says what to do"],
  ["a server that comes later", "end", "with --skip-preflight the server may come later"],
  ["stdin closed", "end", "with stdin, or all three, closed it runs on"],
  ["stdout closed", "end", "on the memory bus it ends when nobody reads its stdout any more"],
  ["--http, health", "observed", "health, metrics, the page and what it asks for"],
  ["traces", "observed", "with --tracing it traces; without, not even its messages know"],
  ["a silent collector", "observed", "a collector that never answers holds the stop for a second"],
  ["no Deno telemetry", "build", "for a named target it writes an executable of that name"],
  ["PID 1", "surroundings", "as PID 1 it works, and ends by SIGTERM"],
  ["unprivileged", "surroundings", "as a user without a name or a right it works"],
  ["read-only, no /tmp", "surroundings", "on a read-only file system, with no /tmp, it works"],
  ["no home", "surroundings", "with an empty environment, and so no home directory, it works"],
  ["TZ, no tz database", "surroundings", "changes no instant, and zones need no database"],
  ["128 MiB", "surroundings", "under a limit of 128 MiB it works on a server"],
  ["locale", "surroundings", "a locale that is not English changes no word and no number"],
  ["permissions", "permissions", "what is allowed in deno.json is baked in"],
  ["an expansion's", "permissions", "an expansion can neither write, nor start or end a program"],
  ["credentials", "permissions", "an expansion's process has none of the scheduler's credentials"],
  ["what is left", "permissions", "what an expansion can still do is what docs/security.md says"],
  ["a rebuild", "permissions", "built with --allow-write and --allow-run, it may do that"],
  ["contents", "contents", "the packages in it are the program's, as deno.lock pins them"],
  ["checksums", "build", "for a named target it writes an executable of that name"],
  ["Dockerfile", "deploy", "the image's command and its health check"],
  ["Kubernetes", "deploy", "the Kubernetes examples' arguments, and their probes"],
  ["systemd", "deploy", "the systemd unit is right, tight, starts it and reloads it"],
];

Deno.test("each of these promises has its test", async () => {
  for (const [what, file, test] of PROMISES) {
    const text = await Deno.readTextFile(new URL(`${file}_test.ts`, import.meta.url));
    const names = [...text.matchAll(/(?:Deno\.test\(|everywhere\(|name:)\s*["`](.*)["`],/g)]
      .map(([, name]) => name!);
    assert.ok(
      names.some((name) => name.includes(test)),
      `${what}: ${file}_test.ts has no "${test}"`,
    );
  }
});
