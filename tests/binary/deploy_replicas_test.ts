/** The deployments on JetStream, by their own command lines and variables: replicas, and compose. */
import assert from "node:assert/strict";
import { load, loadAll } from "js-yaml";
import { join } from "node:path";
import type { IConfigMap, IDeployment, IJob } from "../deploy/linters.ts";
import { storedIn } from "../helpers/durable_place.ts";
import { eventually } from "../helpers/eventually.ts";
import { connect } from "../helpers/nats_client.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import type { Program } from "../helpers/program.ts";
import { ROOT } from "./executables.ts";
import { BARE, type Site } from "./places.ts";

const read = (path: string) => Deno.readTextFile(join(ROOT, path));

interface Deployed {
  /** What makes the stream, and what runs. */
  stream: string[];
  run: string[];
  replicas: number;
  /** Without where the server is. */
  env: Record<string, string>;
  config: string;
}

/** Makes the stream twice, starts what runs, and waits until each has fired into the stream. */
async function firesIntoTheStream(
  { stream, run, replicas, env, config }: Deployed,
  probe: (url: string) => Promise<void>,
): Promise<void> {
  await using server = await startNatsServer({ jetstream: true });
  // On a port that is free here, and more often than once a minute.
  const variables = {
    ...env,
    NATS_URL: server.url,
    HEDDLE_SCHEDULER_HTTP: env.HEDDLE_SCHEDULER_HTTP!.replace(/\d+$/, "0"),
  };
  const often = config.replace("interval_seconds: 60", "interval_seconds: 0.2");
  assert.notEqual(often, config);
  // For each replica's lease there is one.
  const more = ["a", "b", "c", "d", "e", "f"].map((name) =>
    `  - { name: ${name}, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }\n`
  ).join("");
  await BARE.withFiles(
    { "schedules.yaml": `${often.trimEnd()}\n${more}` },
    async (site: Site) => {
      const options = {
        env: { ...variables, HEDDLE_SCHEDULER_CONFIG: site.path("schedules.yaml") },
      };
      for (const _ of [1, 2]) {
        const { code, stderr } = await site.run(stream, options);
        assert.equal(code, 0, stderr);
      }
      await using all = new AsyncDisposableStack();
      const programs: Program[] = Array.from(
        { length: replicas },
        () => all.use(site.start(run, options)),
      );
      for (const program of programs) {
        await program.logged("scheduler.task_dispatched", 2);
        await probe(String(program.log("http.listening")[0]!.url));
      }
      const client = await connect({ servers: server.url });
      await eventually("each dispatch is stored", async () => (await storedIn(client)).length >= 4);
      await client.close();
      for (const program of programs) program.kill("SIGTERM");
      for (const program of programs) assert.equal(await program.exit(), 0);
    },
  );
}

const answers = async (url: string, status = 200) => {
  const response = await fetch(url);
  await response.body?.cancel();
  assert.equal(response.status, status, url);
};

Deno.test("the Kubernetes replicas: the job makes the stream, and both fire into it", async () => {
  const documents = loadAll(await read("deploy/kubernetes-replicas.yaml")) as { kind: string }[];
  const find = (wanted: string) => documents.find(({ kind }) => kind === wanted) as unknown;
  const job = (find("Job") as IJob).spec!.template.spec!.containers[0]!;
  const { spec } = find("Deployment") as IDeployment;
  const container = spec!.template.spec!.containers[0]!;
  const values = container.env!.flatMap(({ name, value }) => value ? [[name, value]] : []);
  await firesIntoTheStream({
    stream: job.args!,
    run: container.args!,
    replicas: spec!.replicas!,
    env: Object.fromEntries(values),
    config: (find("ConfigMap") as IConfigMap).data!["schedules.yaml"]!,
  }, async (url) => {
    const { startupProbe, livenessProbe, readinessProbe } = container;
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      await answers(new URL(probe!.httpGet!.path!, url).href);
    }
  });
});

Deno.test("compose.yaml makes the stream, and its scheduler fires into it and has a page", async () => {
  const { services } = load(await read("deploy/compose.yaml")) as {
    services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
  };
  const { stream, scheduler } = services;
  const image = /^CMD (.*)$/m.exec(await read("Dockerfile"))![1]!;
  await firesIntoTheStream({
    stream: stream!.command!,
    run: scheduler!.command ?? JSON.parse(image),
    replicas: 1,
    env: scheduler!.environment!,
    config: await read("deploy/config/schedules.yaml"),
  }, async (url) => {
    for (const path of ["/", "/metrics"]) await answers(new URL(path, url).href);
  });
});

Deno.test("what the release workflow asks of the image", async () => {
  const workflow = await read(".github/workflows/release.yml");
  const [, args] = /:\/etc\/heddle:ro" "\$IMAGE" (.*)$/m.exec(workflow)!;
  const config = await read("deploy/config/schedules.yaml");
  await BARE.withFiles({ "schedules.yaml": config }, async (site) => {
    const env = { HEDDLE_SCHEDULER_CONFIG: site.path("schedules.yaml") };
    const { code, stdout } = await site.run(args!.split(" "), { env });
    assert.equal(code, 0, stdout);
  });
});
