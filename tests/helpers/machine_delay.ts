/**
 * Measures by how much this machine delays whoever waits: in a thread that does nothing else, so
 * that a test can tell a program that is late from a machine that stood still.
 */
export class MachineDelay implements Disposable {
  readonly #worker: Worker;
  #worst = 0;

  constructor() {
    const code = `const PERIOD_MS = 10;
      let due = performance.now() + PERIOD_MS;
      setInterval(() => {
        postMessage(performance.now() - due);
        due = performance.now() + PERIOD_MS;
      }, PERIOD_MS);`;
    this.#worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
      type: "module",
    });
    this.#worker.onmessage = ({ data }) => this.#worst = Math.max(this.#worst, data);
  }

  /** The longest delay so far, in milliseconds. */
  get worst(): number {
    return this.#worst;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
