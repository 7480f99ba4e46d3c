import assert from "node:assert/strict";
import { signalsOf } from "../../lib/actor/process_signals.ts";

Deno.test("what ends a process gently, and has it reload, on each system", () => {
  assert.deepEqual(signalsOf("linux"), { terminate: ["SIGINT", "SIGTERM"], reload: ["SIGHUP"] });
  assert.deepEqual(signalsOf("darwin"), signalsOf("linux"));
  // Ctrl+Break is what a service manager has; SIGHUP is a console that is closed, and no reload.
  assert.deepEqual(signalsOf("windows"), { terminate: ["SIGINT", "SIGBREAK"], reload: [] });
});
