/** The actions on signals. */
export interface SignalActions {
  /** Called on a signal that asks for an end: SIGTERM or SIGINT, on Windows Ctrl+C or Ctrl+Break. */
  terminate(signal: string): void;
  /** Called on a second one, just before the process exits. Default: nothing. */
  terminateAgain?(): void;
  /** Called on SIGHUP. Default: it is kept for whoever handles signals next. */
  reload?(): void;
}

/** As shells report a signal: 128 + its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGBREAK: 149 } as const;

type Terminating = keyof typeof EXIT_CODES;

/**
 * Returns the signals that are heard on a system. A service manager of Windows asks for an end by
 * Ctrl+Break (SIGBREAK), or Ctrl+C; a console that is closed ends the process whoever listens, and
 * nothing there asks for a reload.
 */
export function signalsOf(
  os: typeof Deno.build.os,
): { terminate: readonly Terminating[]; reload: readonly Deno.Signal[] } {
  if (os === "windows") return { terminate: ["SIGINT", "SIGBREAK"], reload: [] };
  return { terminate: ["SIGINT", "SIGTERM"], reload: ["SIGHUP"] };
}

type Listener = [signal: Deno.Signal, listener: () => void];

/**
 * Listens to the process's signals from when it is made until it is disposed of. A signal that comes
 * before anybody handles signals is kept, and handed over then.
 */
export class ProcessSignals implements Disposable {
  readonly #listeners: Listener[];
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
    const { terminate, reload } = signalsOf(Deno.build.os);
    this.#listeners = [
      ...terminate.map((signal): Listener => [signal, () => this.#terminate(signal)]),
      ...reload.map((signal): Listener => [signal, () => this.#reload()]),
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

  #terminate(signal: Terminating): void {
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
