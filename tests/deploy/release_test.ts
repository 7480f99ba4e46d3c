import assert from "node:assert/strict";
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
