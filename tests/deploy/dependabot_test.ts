/** Everything that is pinned is proposed for an update. */
import assert from "node:assert/strict";
import { load } from "js-yaml";

const ROOT = new URL("../../", import.meta.url);

interface Dependabot {
  version: number;
  updates: { "package-ecosystem": string; directory: string; schedule: { interval: string } }[];
}

/** The manifest that each ecosystem reads in its directory. */
const MANIFESTS: Record<string, string> = {
  "deno": "deno.json",
  "docker": "Dockerfile",
  "docker-compose": "compose.yaml",
  "github-actions": ".github/workflows/test.yml",
};

Deno.test("Dependabot updates packages, actions and images, each where its manifest is", async () => {
  const text = await Deno.readTextFile(new URL(".github/dependabot.yml", ROOT));
  const { version, updates } = load(text) as Dependabot;
  assert.equal(version, 2);
  const ecosystems = updates.map((update) => update["package-ecosystem"]);
  assert.deepEqual(ecosystems.toSorted(), Object.keys(MANIFESTS));
  for (const { "package-ecosystem": ecosystem, directory, schedule } of updates) {
    assert.equal(schedule.interval, "weekly");
    const path = `.${directory}/${MANIFESTS[ecosystem]}`.replaceAll("//", "/");
    await Deno.stat(new URL(path, ROOT));
  }
});

Deno.test("compose.yaml's image is pinned to a digest", async () => {
  const text = await Deno.readTextFile(new URL("deploy/compose.yaml", ROOT));
  const images = [...text.matchAll(/image: (\S+)/g)].map(([, image]) => image!);
  assert.equal(images.length, 1);
  for (const image of images) assert.match(image, /@sha256:[0-9a-f]{64}$/);
});
