import assert from "node:assert/strict";
import { denoProblem, MIN_DENO_VERSION } from "../../lib/wire/version.ts";

Deno.test("a Deno that is too old is told so, with the version that is needed", () => {
  for (const version of [MIN_DENO_VERSION, Deno.version.deno, "2.10.0", "3.0.0", "2.6.0-rc.1"]) {
    assert.equal(denoProblem(version), null, version);
  }
  for (const version of ["2.2.12", "2.5.6", "1.46.3"]) {
    assert.equal(
      denoProblem(version),
      `Cannot run on Deno ${version}: heddle-scheduler needs Deno ${MIN_DENO_VERSION} or later; ` +
        "`deno upgrade` gets it",
    );
  }
});

Deno.test("the documents name the oldest Deno", async () => {
  for (const path of ["README.md", "docs/deploy.md"]) {
    const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    assert.ok(text.includes(`Deno ${MIN_DENO_VERSION}`), path);
  }
});
