import { fileURLToPath } from "node:url";
import {
  Expander,
  type ExpanderOptions,
  type ExpandOptions,
  ExpansionError,
} from "../../lib/expansion/expansion.ts";
import { EXPANSION_HOST_ARGUMENT } from "../../lib/expansion/expansion_protocol.ts";
import { systemClock } from "../../lib/time/clock.ts";
import { LogRecorder } from "../helpers/log_recorder.ts";

export const FIXTURES = fileURLToPath(new URL("../fixtures/expansions", import.meta.url));

/** How long an expansion may hold this process up, on a busy machine, in milliseconds. */
export const MAX_DELAY = 500;

/** An expander on real processes, with what it logs and how it delays this process. */
export class Harness implements AsyncDisposable {
  readonly log = new LogRecorder();
  readonly expander: Expander;
  readonly #beat: ReturnType<typeof setInterval>;
  #last = performance.now();
  /** The longest this process' event loop was held up, in milliseconds. */
  worstDelay = 0;

  constructor(options: Partial<ExpanderOptions> = {}) {
    this.expander = new Expander({
      root: FIXTURES,
      clock: systemClock,
      logger: this.log,
      ...options,
    });
    this.#beat = setInterval(() => {
      const now = performance.now();
      this.worstDelay = Math.max(this.worstDelay, now - this.#last - 5);
      this.#last = now;
    }, 5);
  }

  async expand(expandFrom: string, options: Partial<ExpandOptions> = {}) {
    const expanded = await this.expander.expand(expandFrom, {
      schedule: "digest",
      scheduledFor: new Date("2026-03-01T08:00:00Z"),
      timeoutSeconds: 10,
      ...options,
    });
    const objects = [...expanded.lists].flat();
    expanded.release?.();
    return objects;
  }

  /** The error of an expansion that must fail. */
  async failure(expandFrom: string, options?: Partial<ExpandOptions>): Promise<ExpansionError> {
    try {
      await this.expand(expandFrom, options);
    } catch (error) {
      if (error instanceof ExpansionError) return error;
      throw error;
    }
    throw new Error(`${expandFrom} did not fail`);
  }

  /** What user code printed, as logged. */
  printed(stream: "stdout" | "stderr"): unknown[] {
    return this.log.of("scheduler.expansion_output")
      .filter(({ fields }) => fields.stream === stream)
      .map(({ fields }) => fields.text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beat);
    await this.expander.close();
  }
}

/** The ids of the processes that run expansions for `parent`. */
export function hostProcesses(parent = Deno.pid): number[] {
  const found = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const [, state, ppid] = /\) (\S) (\d+)/.exec(Deno.readTextFileSync(`/proc/${name}/stat`))!;
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (state === "Z" || Number(ppid) !== parent) continue;
      if (command.includes(EXPANSION_HOST_ARGUMENT)) found.push(Number(name));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

export function processExists(pid: number): boolean {
  try {
    return !/\) Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
