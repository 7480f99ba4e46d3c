/** The files that deploy the program, read by linters: no engine, cluster or runner is at hand. */
import assert from "node:assert/strict";
import { loadAll } from "js-yaml";
import { MAX_PROCESSES } from "../../lib/expansion/expansion_memory.ts";
import { loadSchedulerConfig } from "../../lib/mod.ts";
import {
  createActionLinter,
  DCLinter,
  type IConfigMap,
  type IDeployment,
  lintDockerfile,
} from "./linters.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

Deno.test("the Dockerfile is right, and every image in it is pinned to a digest", async () => {
  const text = await read("Dockerfile");
  assert.deepEqual(lintDockerfile(text).map(({ message }) => message), []);
  assert.equal(lintDockerfile("FROM a\nHEALTHCHEK b\n").length, 1, "the linter finds mistakes");
  const images = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!);
  assert.equal(images.length, 2);
  for (const image of images) assert.match(image, /:[\w.-]+@sha256:[0-9a-f]{64}$/);
});

Deno.test("compose.yaml is right", async () => {
  const messages = async (path: string) => {
    const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
    const results = await linter.lintFiles([path], false);
    return results.flatMap(({ messages }) => messages)
      .filter(({ type }) => type === "error").map(({ message }) => message);
  };
  assert.deepEqual(await messages(new URL("deploy/compose.yaml", ROOT).pathname), []);
  const wrong = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(wrong, "services:\n  a:\n    imge: x\n");
  assert.equal((await messages(wrong)).length, 1, "the linter finds mistakes");
  await Deno.remove(wrong);
});

/** What the types of Kubernetes' API say to a manifest: a key that they do not know is an error. */
async function typeErrors(type: string, manifest: unknown): Promise<string> {
  const directory = await Deno.makeTempDir();
  const linters = new URL("linters.ts", import.meta.url).href;
  const text = `import type { ${type} } from ${JSON.stringify(linters)};\n` +
    `export const manifest: ${type} = ${JSON.stringify(manifest)};\n`;
  await Deno.writeTextFile(`${directory}/manifest.ts`, text);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-config", "--no-lock", `${directory}/manifest.ts`],
  }).output();
  await Deno.remove(directory, { recursive: true });
  return success ? "" : new TextDecoder().decode(stderr);
}

Deno.test("a manifest with a key that Kubernetes does not know is found", async () => {
  const wrong = { apiVersion: "v1", kind: "ConfigMap", dat: {} };
  assert.match(await typeErrors("IConfigMap", wrong), /"dat"' does not exist/);
});

const manifests = async () =>
  loadAll(await read("deploy/kubernetes.yaml")) as [IConfigMap, ...IDeployment[]];

Deno.test("the Kubernetes manifests are right, and as tight as they say", async () => {
  const [configMap, ...deployments] = await manifests();
  assert.equal(await typeErrors("IConfigMap", configMap), "");
  assert.equal(deployments.length, 2);
  for (const deployment of deployments) {
    assert.equal(await typeErrors("IDeployment", deployment), "");
    const spec = deployment.spec!.template.spec!;
    const containers = [...spec.containers, ...spec.initContainers ?? []];
    const { resources, securityContext } = containers.find(({ name }) => name === "scheduler")!;
    assert.deepEqual(securityContext?.capabilities, { drop: ["ALL"] });
    assert.equal(securityContext?.readOnlyRootFilesystem, true);
    assert.equal(securityContext?.allowPrivilegeEscalation, false);
    assert.equal(spec.securityContext?.runAsNonRoot, true);
    assert.ok(resources?.limits?.memory);
  }
});

const LIMIT = "HEDDLE_SCHEDULER_MEMORY_LIMIT";

Deno.test("the memory limit that each file sets is told to the scheduler", async () => {
  const [_, ...deployments] = await manifests();
  for (const { spec } of deployments) {
    const { containers, initContainers = [] } = spec!.template.spec!;
    const { env } = [...containers, ...initContainers].find(({ name }) => name === "scheduler")!;
    const from = env!.find(({ name }) => name === LIMIT)?.valueFrom?.resourceFieldRef;
    assert.deepEqual(from, { resource: "limits.memory" }); // in bytes
  }
  const compose = await read("deploy/compose.yaml");
  const limit = /^ +mem_limit: (\S+)$/m.exec(compose)![1];
  assert.equal(new RegExp(`^ +${LIMIT}: (\\S+)`, "m").exec(compose)![1], limit);
  const unit = await read("deploy/heddle-scheduler.service");
  const most = /^MemoryMax=(\S+)$/m.exec(unit)![1];
  assert.equal(new RegExp(`^Environment=${LIMIT}=(\\S+)$`, "m").exec(unit)![1], most);
});

Deno.test("in the systemd unit an expansion may be out of memory, and has its threads", async () => {
  const unit = await read("deploy/heddle-scheduler.service");
  assert.match(unit, /^OOMPolicy=continue$/m);
  // V8 has 16 threads of its own at most, and a process some nine others.
  const threads = (1 + MAX_PROCESSES) * (16 + 9);
  assert.ok(Number(/^TasksMax=(\d+)$/m.exec(unit)![1]) >= 1.5 * threads);
});

Deno.test("the schedules in them are valid, even strictly", async () => {
  const path = new URL("deploy/config/schedules.yaml", ROOT).pathname;
  assert.deepEqual((await loadSchedulerConfig(path)).problems, []);
  const [configMap] = await manifests();
  const file = await Deno.makeTempFile({ suffix: ".yaml" });
  await Deno.writeTextFile(file, configMap.data!["schedules.yaml"]!);
  assert.deepEqual((await loadSchedulerConfig(file)).problems, []);
  await Deno.remove(file);
});

Deno.test("the workflows are right, and every action in them is pinned to a commit", async () => {
  const lint = await createActionLinter();
  assert.ok(lint("on: push\njobs: { a: { stps: [] } }\n", "a.yml").length > 0, "it finds mistakes");
  for (const name of ["test.yml", "release.yml"]) {
    const text = await read(`.github/workflows/${name}`);
    // The linter's lists are older than these runners, and than this permission.
    const problems = lint(text, name).filter(({ kind, message }) =>
      kind !== "runner-label" && !message.startsWith('unknown permission scope "attestations"')
    );
    assert.deepEqual(problems, []);
    const uses = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action!);
    assert.ok(uses.length > 0);
    for (const action of uses) assert.match(action, /@[0-9a-f]{40}$/);
    // Dependabot proposes new images for the Dockerfile alone.
    for (const [, image] of text.matchAll(/container: (\S+)/g)) {
      assert.ok((await read("Dockerfile")).includes(`FROM ${image} `), image);
    }
  }
});
