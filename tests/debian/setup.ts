/** Gets what is missing of Debian's packages, and says what it does. */
import { isThere, run, TOOLS } from "./tools.ts";

const missing = [];
for (const { command, package: name } of TOOLS) {
  if (await isThere(command)) console.log(`${command}: found`);
  else missing.push(name);
}
if (missing.length > 0) {
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
