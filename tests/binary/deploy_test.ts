/** Every command line in the files that deploy the program, given to the executable. */
import assert from "node:assert/strict";
import { loadAll } from "js-yaml";
import { join, parse as parsePath } from "node:path";
import { eventually } from "../helpers/eventually.ts";
import { Program, runProgram } from "../helpers/program.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import type { IDeployment } from "../deploy/linters.ts";
import { BARE_ROOT, EXECUTABLE, ROOT } from "./executables.ts";
import { BARE, HERE } from "./places.ts";

const read = (path: string) => Deno.readTextFile(join(ROOT, path));

/** Runs `test` with the schedules of deploy/config where the image looks for them. */
async function withEtcHeddle(test: () => Promise<void>): Promise<void> {
  const directory = join(BARE_ROOT, "etc/heddle");
  await Deno.mkdir(directory);
  try {
    await Deno.copyFile(
      join(ROOT, "deploy/config/schedules.yaml"),
      join(directory, "schedules.yaml"),
    );
    await test();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const PATH_IN_IMAGE = join(BARE_ROOT, "etc/heddle/schedules.yaml");

/** The environment of a container, with a port that is free here in place of its own. */
function withFreePort(env: Record<string, string>): { env: Record<string, string>; port: number } {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const address = env.HEDDLE_SCHEDULER_HTTP!.replace(/\d+$/, String(port));
  return { env: { ...env, HEDDLE_SCHEDULER_HTTP: address }, port };
}

/** Where the image looks for the schedules. */
const configInImage = async () =>
  /^ENV HEDDLE_SCHEDULER_CONFIG=(\S+)$/m.exec(await read("Dockerfile"))![1]!;

const EXECUTABLE_IN_IMAGE = "/heddle-scheduler";

Deno.test("the image's command and its health check", async () => {
  const text = await read("Dockerfile");
  const list = (pattern: RegExp): string[] => JSON.parse(pattern.exec(text)![1]!);
  assert.deepEqual(list(/^ENTRYPOINT (.*)$/m), [EXECUTABLE_IN_IMAGE]);
  const [program, ...probe] = list(/^HEALTHCHECK .*CMD (.*)$/m);
  assert.equal(program, EXECUTABLE_IN_IMAGE);
  const env = Object.fromEntries(
    [...text.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  assert.equal(env.HEDDLE_SCHEDULER_HTTP, "127.0.0.1:8080");
  await using server = await startNatsServer();
  const options = { env: { ...withFreePort(env).env, NATS_URL: server.url } };
  await withEtcHeddle(() =>
    BARE.withFiles({}, async (site) => {
      const health = async () => (await site.run(probe, options)).code;
      assert.equal(await health(), 1, "before it runs");
      await using program = site.start(list(/^CMD (.*)$/m), options);
      await program.logged("scheduler.running");
      assert.equal(await health(), 0, "while it runs");
      await Deno.writeTextFile(PATH_IN_IMAGE, "name: other\nschedules: [\n");
      await program.logged("actor.reload_failed");
      await server.kill();
      await program.logged("bus.disconnected");
      assert.equal(await health(), 0, "with a broken file, and without its server");
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
      assert.equal(await health(), 1, "after it ran");
    })
  );
});

Deno.test("the image is built from what .dockerignore leaves", async () => {
  const ignored = new Set((await read(".dockerignore")).trim().split("\n"));
  const context = await Deno.makeTempDir();
  for await (const { name } of Deno.readDir(ROOT)) {
    if (ignored.has(name)) continue;
    await new Deno.Command("cp", { args: ["-r", join(ROOT, name), context] }).output();
  }
  // Its steps, by a shell that finds the Deno that compiles here.
  const text = (await read("Dockerfile")).replaceAll("\\\n", " ");
  const steps = [...text.matchAll(/^RUN (.*)$/gm)].map(([, command]) => command!);
  assert.equal(steps.length, 2);
  const bin = join(context, "bin");
  await Deno.mkdir(bin);
  await Deno.symlink(Deno.env.get("DENO_COMPILE") ?? Deno.execPath(), join(bin, "deno"));
  for (const command of steps) {
    const { success, stderr } = await new Deno.Command("sh", {
      args: ["-c", command],
      cwd: context,
      env: {
        PATH: `${bin}:${Deno.env.get("PATH")}`,
        COMMIT: "0123456789ab",
        TARGETARCH: Deno.build.arch === "x86_64" ? "amd64" : "arm64",
      },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  }
  const { stdout } = await runProgram(["--version"], {
    command: [join(context, "dist/heddle-scheduler")],
  });
  assert.match(stdout, /\(commit 0123456789ab, /);
  await Deno.remove(context, { recursive: true });
});

Deno.test("the Kubernetes examples' arguments, and their probes through what may happen", async () => {
  const documents = loadAll(await read("deploy/kubernetes.yaml")) as IDeployment[];
  const config = await configInImage();
  for (const { spec } of documents.slice(1)) {
    const { containers, initContainers = [], volumes } = spec!.template.spec!;
    const container = [...containers, ...initContainers].find(({ name }) => name === "scheduler")!;
    assert.ok(container.volumeMounts!.some(({ mountPath }) => config.startsWith(mountPath)));
    for (const { name } of container.volumeMounts!) {
      assert.ok(volumes!.some((volume) => volume.name === name));
    }
    await isProbed(container, config);
  }
});

type Container = NonNullable<
  NonNullable<IDeployment["spec"]>["template"]["spec"]
>["containers"][number];

/** Runs it without its server at first, with it, and with another name in the file. */
async function isProbed(container: Container, config: string): Promise<void> {
  await using server = await startNatsServer();
  await server.kill();
  const { env, port } = withFreePort({
    ...Object.fromEntries(
      container.env!.map(({ name, value, valueFrom }) => [name, value ?? resourceOf(valueFrom!)]),
    ),
    HEDDLE_SCHEDULER_CONFIG: config,
    NATS_URL: server.url,
  });
  function resourceOf({ resourceFieldRef }: { resourceFieldRef?: { resource: string } }): string {
    assert.equal(resourceFieldRef!.resource, "limits.memory");
    return String(container.resources!.limits!.memory);
  }
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const status = async ({ httpGet }: NonNullable<Container["readinessProbe"]>) => {
    const response = await fetch(`http://127.0.0.1:${port}${httpGet!.path}`);
    await response.body?.cancel();
    return response.status;
  };
  const isAlive = async () => {
    for (const probe of [startupProbe, livenessProbe]) {
      if (probe) assert.equal(await status(probe), 200);
    }
  };
  await withEtcHeddle(() =>
    BARE.withFiles({}, async (site) => {
      await using program = site.start(container.args!, { env });
      await program.logged("http.listening");
      await isAlive();
      assert.equal(await status(readinessProbe!), 503, "without its server");
      await server.start();
      await program.logged("scheduler.running");
      await eventually("it is ready", async () => await status(readinessProbe!) === 200);
      const text = await Deno.readTextFile(PATH_IN_IMAGE);
      await Deno.writeTextFile(PATH_IN_IMAGE, text.replace(/^name: .*/m, "name: renamed"));
      await program.logged("scheduler.config_reloaded");
      await isAlive();
      assert.equal(await status(readinessProbe!), 200, "with another name in the file");
      program.kill("SIGTERM");
      assert.equal(await program.exit(), 0);
    })
  );
}

Deno.test("the compose file's mount, and the address of its server", async () => {
  const [compose] = loadAll(await read("deploy/compose.yaml")) as {
    services: Record<string, { volumes?: string[]; environment?: Record<string, string> }>;
  }[];
  const { volumes, environment } = compose!.services.scheduler!;
  const [from, to, mode] = volumes![0]!.split(":");
  const { dir, base } = parsePath(await configInImage());
  assert.equal(to, dir);
  assert.equal(mode, "ro");
  assert.ok((await Deno.stat(join(ROOT, "deploy", from!, base))).isFile);
  const { hostname, protocol } = new URL(environment!.NATS_URL!);
  assert.ok(hostname in compose!.services);
  assert.equal(protocol, "nats:");
});

Deno.test("the systemd unit is right, tight, starts it and reloads it", async () => {
  const unit = await read("deploy/heddle-scheduler.service");
  await using server = await startNatsServer();
  await HERE.withFiles(
    { "schedules.yaml": await read("deploy/config/schedules.yaml") },
    async (site) => {
      const here = unit.replaceAll("/usr/local/bin/heddle-scheduler", EXECUTABLE)
        .replaceAll("/etc/heddle/schedules.yaml", site.path("schedules.yaml"));
      await Deno.writeTextFile(site.path("heddle-scheduler.service"), here);
      for (const check of [["verify"], ["security", "--offline=true", "--threshold=20"]]) {
        const { code, stderr } = await new Deno.Command("systemd-analyze", {
          args: [...check, site.path("heddle-scheduler.service")],
        }).output();
        assert.equal(code, 0, new TextDecoder().decode(stderr));
      }
      const line = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(here)![1]!;
      const [executable, ...args] = line("ExecStart").split(" ");
      await using program = new Program(args, {
        command: [executable!],
        env: { NATS_URL: server.url },
      });
      await program.logged("scheduler.running");
      // As systemd does it: one after another, until one of them fails.
      const reload = async (): Promise<number> => {
        for (const [, command] of here.matchAll(/^ExecReload=(.*)$/gm)) {
          const [name, ...args] = command!.replace("$MAINPID", String(program.pid)).split(" ");
          const { code } = await new Deno.Command(name!, { args }).output();
          if (code !== 0) return code;
        }
        return 0;
      };
      assert.equal(await reload(), 0);
      await program.logged("scheduler.config_reloaded");
      await Deno.writeTextFile(site.path("schedules.yaml"), "name: wrong\nschedules: 5\n");
      assert.equal(await reload(), 2, "a file that would be refused");
      await Deno.remove(site.path("schedules.yaml"));
      assert.equal(await reload(), 2, "no file at all");
      assert.equal(program.log("actor.reload_requested").length, 1);
      assert.doesNotMatch(unit, /^(ExecStartPre|Type=notify)/m);
      assert.equal(line("RestartPreventExitStatus"), "2");
      assert.equal(line("PrivateMounts"), "yes");
      assert.equal(line("ProcSubset"), "pid");
    },
  );
});

Deno.test("what the release workflow asks of each executable", async () => {
  const workflow = await read(".github/workflows/release.yml");
  const commands = [...workflow.matchAll(/- run: '"\$EXECUTABLE" ([^']*)'/g)].map(([, rest]) =>
    rest!
  );
  assert.equal(commands.length, 2);
  for (const command of commands) {
    const { code } = await new Deno.Command("bash", {
      args: ["-o", "pipefail", "-c", `"${EXECUTABLE}" ${command}`],
      cwd: ROOT,
    }).output();
    assert.equal(code, 0, command);
  }
});
