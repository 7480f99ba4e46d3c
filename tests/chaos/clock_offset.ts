/**
 * Loaded before the program: its wall clock is off by what a file says, in milliseconds. The
 * program itself knows nothing of it.
 *
 * @module
 */
const path = Deno.env.get("HEDDLE_SCHEDULER_TEST_CLOCK_FILE")!;
const trueNow = Date.now;
let offset = 0;

function read(): void {
  try {
    offset = Number(Deno.readTextFileSync(path)) || 0;
  } catch {
    offset = 0; // not written yet
  }
}

read();
Deno.unrefTimer(setInterval(read, 100));
Date.now = () => trueNow() + offset;
