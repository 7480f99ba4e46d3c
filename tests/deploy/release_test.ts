import assert from "node:assert/strict";
import { load } from "js-yaml";
import denoJson from "../../deno.json" with { type: "json" };
import { RELEASE_DATE } from "../../lib/wire/version.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));

/** The sections of the changelog, newest first: `Unreleased`, then versions with the days of their release. */
const sections = (changelog: string) =>
  [...changelog.matchAll(/^## \[(\S+)\](?: - (\S+))?$/gm)].map(([, name, day]) => ({ name, day }));

const NAMING_THE_IMAGE = [
  "README.md",
  "docs/deploy.md",
  "deploy/kubernetes.yaml",
  "deploy/kubernetes-replicas.yaml",
];

Deno.test("deno.json, the changelog, the manifests and the tag name one version", async () => {
  const { version } = denoJson;
  assert.match(version, /^\d+\.\d+\.\d+$/);
  const changelog = sections(await read("CHANGELOG.md"));
  assert.ok(changelog.length > 0);
  for (const place of NAMING_THE_IMAGE) {
    const tags = [...(await read(place)).matchAll(/heddle-scheduler:(\d\S*)/g)];
    assert.deepEqual(new Set(tags.map(([, tag]) => tag)), new Set([version]), place);
  }
  const [newest] = changelog.filter(({ name }) => name !== "Unreleased");
  // Set by the release workflow.
  if (Deno.env.get("GITHUB_REF_TYPE") === "tag") {
    assert.equal(Deno.env.get("GITHUB_REF_NAME"), `v${version}`);
    assert.equal(newest?.name, version, "the changelog has a section of the version");
  }
});

interface Workflow {
  jobs: Record<string, { steps: { id?: string; run?: string }[]; env?: Record<string, string> }>;
}

Deno.test("the image is named in lower case, by version, and its digest is handed on", async () => {
  const { jobs } = load(await read(".github/workflows/release.yml")) as Workflow;
  const { steps, env } = jobs.image!;
  const script = steps.find(({ id }) => id === "build")!.run!;
  const directory = await Deno.makeTempDir();
  const digest = `sha256:${"0f".repeat(32)}`;
  const docker = `#!/bin/sh\nprintf '%s\\n' "$@" >arguments\n` +
    `printf '{\\n  "containerimage.digest": "${digest}",\\n  "image.name": "x"\\n}' >metadata.json\n`;
  await Deno.writeTextFile(`${directory}/docker`, docker, { mode: 0o755 });
  const { success, stderr } = await new Deno.Command("bash", {
    args: ["-e", "-c", script],
    cwd: directory,
    env: {
      PATH: `${directory}:${Deno.env.get("PATH")}`,
      IMAGE: env!.IMAGE!.replace("${{ github.repository }}", "Some-Owner/Heddle-Scheduler"),
      GITHUB_OUTPUT: `${directory}/output`,
      GITHUB_REF_NAME: "v1.2.3",
      GITHUB_REPOSITORY: "Some-Owner/Heddle-Scheduler",
      GITHUB_SERVER_URL: "https://github.com",
      GITHUB_SHA: "0123456789abcdef0123456789abcdef01234567",
    },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const name = "ghcr.io/some-owner/heddle-scheduler";
  const output = await Deno.readTextFile(`${directory}/output`);
  assert.equal(output, `name=${name}\ndigest=${digest}\n`);
  const given = (await Deno.readTextFile(`${directory}/arguments`)).split("\n");
  const after = (option: string) => given[given.indexOf(option) + 1];
  assert.equal(after("--tag"), `${name}:1.2.3`);
  assert.equal(after("--build-arg"), "COMMIT=0123456789ab");
  assert.ok(given.includes("SOURCE=https://github.com/Some-Owner/Heddle-Scheduler"));
  await Deno.remove(directory, { recursive: true });
});

Deno.test("the changelog has the form of Keep a Changelog", async () => {
  const changelog = await read("CHANGELOG.md");
  for (const [at, { name, day }] of sections(changelog).entries()) {
    if (name === "Unreleased") assert.deepEqual([at, day], [0, undefined], "it comes first");
    else assert.match(`${name} ${day}`, /^\d+\.\d+\.\d+ \d{4}-\d{2}-\d{2}$/);
  }
  const kinds = [...changelog.matchAll(/^#{2,} (?!\[)(.*)$/gm)].map(([, kind]) => kind);
  assert.deepEqual(
    kinds.filter((kind) => !["Added", "Changed", "Fixed", "Removed", "Security"].includes(kind!)),
    [],
  );
});

Deno.test("the release's date is a day, and none that is still to come", () => {
  assert.match(RELEASE_DATE, /^\d{4}-\d{2}-\d{2}$/);
  assert.ok(Date.parse(RELEASE_DATE) <= Date.now());
});

Deno.test("every place that names Deno's version names the same one", async () => {
  const places = [
    ".ci/run",
    ".github/workflows/test.yml",
    ".github/workflows/release.yml",
    "Dockerfile",
    "README.md",
    "schedules.yaml",
  ];
  const versions = new Set<string>();
  for (const place of places) {
    const found = [...(await read(place)).matchAll(/deno[@:](\d+\.\d+\.\d+)/g)];
    assert.ok(found.length > 0, place);
    for (const [, version] of found) versions.add(version!);
  }
  assert.equal(versions.size, 1, [...versions].join());
});
