const ROOT = "/sys/fs/cgroup/cpu";
const PERIOD = 20_000;

/** A limit on the CPU of one process, by control group (version 1, as root). */
export class CpuGroup {
  readonly #path: string;

  /** @param share of one core */
  constructor(pid: number, share: number) {
    this.#path = `${ROOT}/heddle-bench-${pid}`;
    Deno.mkdirSync(this.#path);
    Deno.writeTextFileSync(`${this.#path}/cpu.cfs_period_us`, String(PERIOD));
    Deno.writeTextFileSync(`${this.#path}/cpu.cfs_quota_us`, String(Math.round(PERIOD * share)));
    Deno.writeTextFileSync(`${this.#path}/cgroup.procs`, String(pid));
  }

  static get isAvailable(): boolean {
    try {
      const probe = `${ROOT}/heddle-bench-probe`;
      Deno.mkdirSync(probe);
      Deno.removeSync(probe);
      return true;
    } catch {
      return false;
    }
  }

  /** Once the process has ended. */
  remove(): void {
    try {
      Deno.removeSync(this.#path);
    } catch {
      // still ending: the next boot removes it
    }
  }
}
