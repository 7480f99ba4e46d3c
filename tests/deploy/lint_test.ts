/** The files that deploy the program, read by linters: no engine, cluster or runner is at hand. */
import assert from "node:assert/strict";
import { load, loadAll } from "js-yaml";
import denoJson from "../../deno.json" with { type: "json" };
import { MAX_PROCESSES } from "../../lib/expansion/expansion_memory.ts";
import { loadSchedulerConfig } from "../../lib/mod.ts";
import {
  createActionLinter,
  DCLinter,
  type IConfigMap,
  type IDeployment,
  type IJob,
  type INetworkPolicy,
  type IPodDisruptionBudget,
  type ISecret,
  type IService,
  lintDockerfile,
} from "./linters.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

Deno.test("the Dockerfile is right, and every image in it is pinned to a digest", async () => {
  const text = await read("Dockerfile");
  assert.deepEqual(lintDockerfile(text).map(({ message }) => message), []);
  assert.equal(lintDockerfile("FROM a\nHEALTHCHEK b\n").length, 1, "the linter finds mistakes");
  const images = [...text.matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm)].map(([, image]) => image!);
  assert.equal(images.length, 2);
  for (const image of images) assert.match(image, /:[\w.-]+@sha256:[0-9a-f]{64}$/);
  const labels = [...text.matchAll(/\borg\.opencontainers\.image\.(\w+)="([^"]+)"/g)];
  assert.deepEqual(Object.fromEntries(labels.map(([, name, value]) => [name, value])), {
    title: "heddle-scheduler",
    description: "A job scheduler for NATS",
    licenses: denoJson.license,
    version: denoJson.version,
    revision: "$COMMIT",
    source: "$SOURCE",
  });
});

Deno.test("a change of the sources downloads no package again", async () => {
  const text = await read("Dockerfile");
  const steps = [...text.matchAll(/^(COPY|RUN) (.*)$/gm)].map(([, key, rest]) => [key, rest]);
  assert.deepEqual(steps.slice(0, 3), [
    ["COPY", "deno.json deno.lock ./"],
    ["RUN", "deno install --frozen"],
    ["COPY", ". ."],
  ]);
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

interface Service {
  command?: string[];
  logging?: { options?: Record<string, string> };
  pids_limit?: number;
  ports?: string[];
  volumes?: string[];
}

Deno.test("in compose.yaml nothing grows without a bound, and what is stored outlives a container", async () => {
  const { services, volumes } = load(await read("deploy/compose.yaml")) as {
    services: Record<string, Service>;
    volumes: Record<string, unknown>;
  };
  assert.deepEqual(Object.keys(services), ["nats", "stream", "scheduler"]);
  for (const { logging } of Object.values(services)) {
    assert.deepEqual(Object.keys(logging!.options!), ["max-size", "max-file"]);
  }
  const { nats, scheduler } = services;
  for (const service of [nats, scheduler]) assert.ok(service!.pids_limit! >= 256);
  const store = nats!.command![nats!.command!.indexOf("--store_dir") + 1];
  assert.deepEqual(nats!.volumes, [`nats:${store}`]);
  assert.ok("nats" in volumes);
  // Published on loopback alone: nothing guards it.
  assert.deepEqual(scheduler!.ports, ["127.0.0.1:8080:8080"]);
});

/** What the types of Kubernetes' API say to manifests: a key that they do not know is an error. */
async function typeErrors(manifests: readonly { kind?: string }[]): Promise<string> {
  const directory = await Deno.makeTempDir();
  const linters = new URL("linters.ts", import.meta.url).href;
  const lines = manifests.map((each, index) =>
    `export const manifest${index}: linters.I${each.kind} = ${JSON.stringify(each)};\n`
  );
  const text = `import type * as linters from ${JSON.stringify(linters)};\n${lines.join("")}`;
  await Deno.writeTextFile(`${directory}/manifest.ts`, text);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-config", "--no-lock", `${directory}/manifest.ts`],
  }).output();
  await Deno.remove(directory, { recursive: true });
  return success ? "" : new TextDecoder().decode(stderr);
}

Deno.test("a manifest with a key that Kubernetes does not know is found", async () => {
  const wrong = { apiVersion: "v1", kind: "ConfigMap", dat: {} };
  assert.match(await typeErrors([wrong]), /"dat"' does not exist/);
});

const manifests = async () =>
  loadAll(await read("deploy/kubernetes.yaml")) as [IConfigMap, ...IDeployment[]];

Deno.test("the Kubernetes manifests are right, and as tight as they say", async () => {
  const [configMap, ...deployments] = await manifests();
  assert.equal(await typeErrors([configMap, ...deployments]), "");
  assert.equal(deployments.length, 2);
  for (const deployment of deployments) {
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

Deno.test("no probe of theirs depends on the server or on the name, and a stop is waited for", async () => {
  const [, ...deployments] = await manifests();
  for (const { spec } of deployments) {
    const pod = spec!.template.spec!;
    const { ports, env, ...container } = [...pod.containers, ...pod.initContainers ?? []]
      .find(({ name }) => name === "scheduler")!;
    assert.equal(ports!.length, 1);
    const { name: port, containerPort } = ports![0]!;
    const address = env!.find(({ name }) => name === "HEDDLE_SCHEDULER_HTTP")!.value;
    assert.equal(address, `0.0.0.0:${containerPort}`);
    const { startupProbe, livenessProbe, readinessProbe } = container;
    for (const probe of [startupProbe, livenessProbe]) {
      if (probe) assert.deepEqual(probe.httpGet, { path: "/healthz", port });
    }
    assert.ok(livenessProbe);
    assert.deepEqual(readinessProbe!.httpGet, { path: "/readyz", port });
    assert.equal(pod.terminationGracePeriodSeconds, 30);
  }
});

/** Contract, section 6. */
const MAX_STOP_SECONDS = 10;

Deno.test("whatever stops the scheduler waits for longer than a stop takes", async () => {
  const seconds = [
    /^TimeoutStopSec=(\d+)$/m.exec(await read("deploy/heddle-scheduler.service"))![1],
    /^ +stop_grace_period: (\d+)s$/m.exec(await read("deploy/compose.yaml"))![1],
  ];
  for (const each of seconds) assert.ok(Number(each) > MAX_STOP_SECONDS);
});

interface Replicas {
  ConfigMap: IConfigMap;
  Secret: ISecret;
  Job: IJob;
  Deployment: IDeployment;
  Service: IService;
  PodDisruptionBudget: IPodDisruptionBudget;
  NetworkPolicy: INetworkPolicy;
}

Deno.test("the manifests of the replicas are right, and belong together", async () => {
  const documents = loadAll(await read("deploy/kubernetes-replicas.yaml")) as { kind: string }[];
  assert.equal(await typeErrors(documents), "");
  const byKind = Object.fromEntries(documents.map((each) => [each.kind, each]));
  const { ConfigMap, Secret, Job, Deployment, Service, PodDisruptionBudget, NetworkPolicy } =
    byKind as unknown as Replicas;
  const [pod, job] = [Deployment, Job].map(({ spec }) => spec!.template);
  const labels = pod!.metadata!.labels!;
  const selects = (selector: Record<string, string>, these: Record<string, string>) =>
    Object.entries(selector).every(([name, value]) => these[name] === value);
  for (
    const selector of [
      Deployment.spec!.selector.matchLabels!,
      Service.spec!.selector!,
      PodDisruptionBudget.spec!.selector!.matchLabels!,
      ...pod!.spec!.topologySpreadConstraints!.map((each) => each.labelSelector!.matchLabels!),
    ]
  ) {
    assert.ok(selects(selector, labels));
    assert.ok(!selects(selector, job!.metadata!.labels!), "the job is no replica");
  }
  const guarded = NetworkPolicy.spec!.podSelector!.matchLabels!;
  assert.ok(selects(guarded, labels) && selects(guarded, job!.metadata!.labels!));
  const egress = NetworkPolicy.spec!.egress!.flatMap(({ ports }) => ports!.map(({ port }) => port));
  assert.deepEqual(egress, [53, 53, Number(new URL(Secret.stringData!.url!).port)]);

  const [replica] = pod!.spec!.containers;
  const [{ name, containerPort }] = replica!.ports as [{ name: string; containerPort: number }];
  assert.equal(Service.metadata!.annotations!["prometheus.io/port"], String(containerPort));
  assert.equal(Service.spec!.ports![0]!.targetPort, name);
  assert.deepEqual(NetworkPolicy.spec!.ingress![0]!.ports, [{
    port: containerPort,
    protocol: "TCP",
  }]);
  const { volumes } = pod!.spec!;
  assert.deepEqual(volumes!.map(({ configMap, secret }) => configMap?.name ?? secret?.secretName), [
    ConfigMap.metadata!.name,
    Secret.metadata!.name,
  ]);
  for (const { spec } of [pod!, job!]) {
    const { resources, securityContext } = spec!.containers[0]!;
    assert.deepEqual(securityContext?.capabilities, { drop: ["ALL"] });
    assert.equal(securityContext?.readOnlyRootFilesystem, true);
    assert.equal(spec!.securityContext?.runAsNonRoot, true);
    assert.ok(resources?.limits?.memory && resources.limits["ephemeral-storage"]);
  }
});

Deno.test("the manifests name the image that the release workflow pushes", async () => {
  const workflow = await read(".github/workflows/release.yml");
  assert.match(workflow, /IMAGE: ghcr\.io\/\$\{\{ github\.repository \}\}/);
  for (
    const part of ["--push", "linux/amd64,linux/arm64", "--sbom=true", "--provenance=mode=max"]
  ) assert.ok(workflow.includes(part), part);
  for (const path of ["deploy/kubernetes.yaml", "deploy/kubernetes-replicas.yaml"]) {
    const images = [...(await read(path)).matchAll(/image: (\S+)/g)].map(([, image]) => image!)
      .filter((image) => !image.startsWith("your-"));
    assert.equal(images.length, 2);
    for (const image of images) {
      assert.equal(image, `ghcr.io/OWNER/heddle-scheduler:${denoJson.version}`);
    }
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
  const [also] = loadAll(await read("deploy/kubernetes-replicas.yaml")) as [IConfigMap];
  for (const { data } of [configMap, also]) {
    const file = await Deno.makeTempFile({ suffix: ".yaml" });
    await Deno.writeTextFile(file, data!["schedules.yaml"]!);
    assert.deepEqual((await loadSchedulerConfig(file)).problems, []);
    await Deno.remove(file);
  }
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
      assert.ok((await read("Dockerfile")).includes(` ${image} `), image);
    }
  }
});
