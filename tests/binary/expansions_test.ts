/** Expansion functions of the executable: from disk, compiled in, and hostile ones. */
import assert from "node:assert/strict";
import type { Program } from "../helpers/program.ts";
import { EXECUTABLE_WITH_EXPANSIONS } from "./executables.ts";
import { everywhere, HERE } from "./places.ts";

const config = (expandFrom: string, more = "") =>
  `name: expanding
schedules:
  - name: expanded
    interval_seconds: 0.3
    expand_from: ${expandFrom}
    ${more}
    dispatch_type: task
    task: { worker_type: w, payload: { from: config } }
  - { name: other, interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }
`;

const ARGS = (path: string) => ["--bus", "memory", "--config", path];

/** The payloads that the expanded entry has dispatched. */
const payloads = (program: Program) =>
  program.stdout.map((line) => JSON.parse(line))
    .filter(({ headers }) => headers["Heddle-Schedule"] === "expanded")
    .map(({ data }) => data.payload);

everywhere("JavaScript from disk, with what it imports from beside it", async (place) => {
  await place.withFiles({
    "s.yaml": config("shop.sessions.active"),
    "shop/sessions.js": `import { region } from "./nested/region.mjs";
      export const active = async () => [{ id: 1, region }, { id: 2, region }];`,
    "shop/nested/region.mjs": `export const region = "eu";`,
  }, async (site) => {
    await using program = site.start(ARGS(site.path("s.yaml")));
    await program.logged("scheduler.expansion_dispatched", 2);
    assert.deepEqual(payloads(program).slice(0, 2), [
      { from: "config", id: 1, region: "eu" },
      { from: "config", id: 2, region: "eu" },
    ]);
  });
});

everywhere("TypeScript from disk works, or the error says what to do", async (place) => {
  await place.withFiles({
    "s.yaml": config("./sessions.ts#active"),
    "sessions.ts": `export const active = (): { id: number }[] => [{ id: 1 }];`,
  }, async (site) => {
    const [, minor, patch] = /deno 2\.(\d+)\.(\d+)/
      .exec((await site.run(["--version"])).stdout)!.map(Number);
    const readsTypeScript = minor! > 8 || minor === 8 && patch! >= 2;
    await using program = site.start(ARGS(site.path("s.yaml")));
    if (readsTypeScript) {
      await program.logged("scheduler.expansion_dispatched");
      assert.deepEqual(payloads(program)[0], { from: "config", id: 1 });
    } else {
      const { error } = await program.logged("scheduler.expand_from_import_failed");
      assert.match(String(error), /write the module in JavaScript, or build with Deno 2\.8\.2/);
    }
    await program.logged("scheduler.task_dispatched", 3);
  });
});

everywhere("compiled in, TypeScript too: nothing needs to be on the disk", async (place) => {
  for (const expandFrom of ["expansions.tenants.active", "./expansions/tenants.ts#active"]) {
    await place.withFiles({ "s.yaml": config(expandFrom) }, async (site) => {
      await using program = site.start(ARGS(site.path("s.yaml")), {
        executable: EXECUTABLE_WITH_EXPANSIONS,
      });
      await program.logged("scheduler.expansion_dispatched");
      assert.deepEqual(payloads(program).slice(0, 2), [
        { from: "config", tenant: "expanded-tenant", region: "eu" },
        { from: "config", tenant: "expanded-tenant", region: "us" },
      ]);
    });
  }
});

everywhere(
  "compiled in with an npm package, by its directory's own map and lock",
  async (place) => {
    await place.withFiles({ "s.yaml": config("packages.compare.compared") }, async (site) => {
      await using program = site.start(ARGS(site.path("s.yaml")), {
        executable: EXECUTABLE_WITH_EXPANSIONS,
      });
      await program.logged("scheduler.expansion_dispatched");
      assert.deepEqual(payloads(program)[0], { from: "config", equal: true });
    });
  },
);

everywhere(
  "a file on the disk is taken before one of its name that is compiled in",
  async (place) => {
    await place.withFiles({
      "s.yaml": config("expansions.tenants.active"),
      "expansions/tenants.mjs": `export const active = () => [{ from: "disk" }];`,
    }, async (site) => {
      await using program = site.start(ARGS(site.path("s.yaml")), {
        executable: EXECUTABLE_WITH_EXPANSIONS,
      });
      await program.logged("scheduler.expansion_dispatched");
      assert.deepEqual(payloads(program)[0], { from: "disk" });
    });
  },
);

everywhere(
  "a module that is nowhere is an error that says where it was looked for",
  async (place) => {
    await place.withFiles({ "s.yaml": config("expansions.tenants.active") }, async (site) => {
      await using program = site.start(ARGS(site.path("s.yaml")));
      const { error } = await program.logged("scheduler.expand_from_import_failed");
      assert.match(
        String(error),
        /no such file in "[^"]+", nor compiled in: tried expansions\/tenants/,
      );
    });
  },
);

Deno.test("validate finds what is compiled in, and the exports that it lacks", async () => {
  for (
    const [expandFrom, expected] of [
      ["expansions.tenants.active", /s\.yaml: no problems$/],
      [
        "'./expansions/tenants.ts#activ'",
        /warning: .*"expansions\/tenants\.ts" does not export "activ" \(did you mean "active"\?\)$/,
      ],
      ["expansions.tenant.active", /warning: .*, nor compiled in: tried/],
    ] as const
  ) {
    await HERE.withFiles({ "s.yaml": config(expandFrom) }, async (site) => {
      const options = { executable: EXECUTABLE_WITH_EXPANSIONS };
      const { stdout } = await site.run(["validate", site.path("s.yaml")], options);
      assert.match(stdout, expected);
    });
  }
});

Deno.test("a file where Deno shows what is compiled in is not taken for it", async () => {
  const planted = "deno-compile-heddle-scheduler/compiled_in/planted.js";
  await HERE.withFiles({
    "s.yaml": config("planted.list"),
    [planted]: "export const list = () => [{}];",
    [`tmp/${planted}`]: "export const list = () => [{}];",
  }, async (site) => {
    await using program = site.start(ARGS(site.path("s.yaml")), {
      env: { TMPDIR: site.path("tmp") },
    });
    const { error } = await program.logged("scheduler.expand_from_import_failed");
    assert.match(String(error), /nor compiled in/);
  });
});

everywhere("one that hangs is killed when its time is over, and delays nothing", async (place) => {
  await place.withFiles({
    "s.yaml": config("./hang.js#hang", "expand_timeout_seconds: 1"),
    "hang.js": `export const hang = () => { console.log("hanging"); for (;;); };`,
  }, async (site) => {
    await using program = site.start(ARGS(site.path("s.yaml")));
    const { error } = await program.logged("scheduler.expand_from_call_failed");
    assert.match(String(error), /1 s/);
    await program.logged("scheduler.task_dispatched", 15);
    const late = program.log("scheduler.firing").filter(({ schedule }) => schedule === "other");
    assert.ok(late.every(({ lateness_ms }) => Number(lateness_ms) < 1000), "the other is on time");
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0);
  });
});
