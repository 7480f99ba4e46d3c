/** The actions on signals. */
export interface SignalActions {
  /** Called on SIGTERM or SIGINT. */
  terminate(signal: string): void;
  /** Called on a second one, just before the process exits. Default: nothing. */
  terminateAgain?(): void;
  /** Called on SIGHUP. Default: it is kept for whoever handles signals next. */
  reload?(): void;
}

/** As shells report a signal: 128 + its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens to the process's signals from when it is made until it is disposed of. A signal that comes
 * before anybody handles signals is kept, and handed over then.
 */
export class ProcessSignals implements Disposable {
  readonly #listeners: [Deno.Signal, () => void][];
  #actions: SignalActions | null = null;
  #terminated: string | null = null;
  #isReloadWanted = false;
  readonly #exit: (code: number) => void;

  /**
   * Begins to listen.
   *
   * @param exit ends the process, on a second signal
   */
  constructor(exit: (code: number) => void = Deno.exit) {
    this.#exit = exit;
    // Windows knows SIGINT (and SIGBREAK) alone.
    this.#listeners = Deno.build.os === "windows"
      ? [["SIGINT", () => this.#terminate("SIGINT")]]
      : [
        ["SIGINT", () => this.#terminate("SIGINT")],
        ["SIGTERM", () => this.#terminate("SIGTERM")],
        ["SIGHUP", () => this.#reload()],
      ];
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  /** Has `actions` called from now on, in place of those from before. */
  handle(actions: SignalActions): void {
    this.#actions = actions;
    if (this.#terminated !== null) actions.terminate(this.#terminated);
    if (this.#isReloadWanted) this.#reload();
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }

  #terminate(signal: keyof typeof EXIT_CODES): void {
    if (this.#terminated !== null) {
      this.#actions?.terminateAgain?.();
      return this.#exit(EXIT_CODES[signal]);
    }
    this.#terminated = signal;
    this.#actions?.terminate(signal);
  }

  #reload(): void {
    this.#isReloadWanted = this.#actions?.reload === undefined;
    this.#actions?.reload?.();
  }
}
