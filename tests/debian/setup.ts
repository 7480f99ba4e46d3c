/** Gets what is missing of Debian's packages, and says what it does. */
import { isThere, run, TOOLS } from "./tools.ts";

if (Deno.build.os !== "linux") {
  console.error(
    `Cannot test here: these tests need Debian's programs, and this is ${Deno.build.os}; ` +
      "`deno task test:systems` tests what must hold everywhere",
  );
  Deno.exit(1);
}
const missing = [];
for (const { command, package: name } of TOOLS) {
  if (await isThere(command)) console.log(`${command}: found`);
  else missing.push(name);
}
if (missing.length > 0) {
  if (!await isThere("apt-get")) {
    console.error(
      `There is no apt-get here: install what these packages have: ${missing.join(" ")}`,
    );
    Deno.exit(1);
  }
  console.log(`Installing Debian's packages: ${missing.join(" ")}`);
  await run("apt-get", ["update", "-qq"]);
  const { success, output } = await run("env", [
    "DEBIAN_FRONTEND=noninteractive",
    ...["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...missing],
  ]);
  if (!success) {
    console.error(`${output}\nCannot install ${missing.join(" ")}: install them by hand, as root`);
    Deno.exit(1);
  }
}
