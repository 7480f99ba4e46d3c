/** The actions on signals. */
export interface SignalActions {
  /** Called on SIGTERM or SIGINT. */
  terminate(signal: string): void;
  /** Called on a second one, just before the process exits. */
  terminateAgain(): void;
  /** Called on SIGHUP. */
  reload(): void;
}

/** As shells report a signal: 128 + its number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens to the process's signals.
 *
 * @returns a function that stops listening
 */
export function listenToSignals(actions: SignalActions): () => void {
  let terminating = false;
  const onTerminate = (signal: keyof typeof EXIT_CODES) => () => {
    if (terminating) {
      actions.terminateAgain();
      Deno.exit(EXIT_CODES[signal]);
    }
    terminating = true;
    actions.terminate(signal);
  };
  // Windows knows SIGINT (and SIGBREAK) alone.
  const listeners: [Deno.Signal, () => void][] = Deno.build.os === "windows"
    ? [["SIGINT", onTerminate("SIGINT")]]
    : [
      ["SIGINT", onTerminate("SIGINT")],
      ["SIGTERM", onTerminate("SIGTERM")],
      ["SIGHUP", () => actions.reload()],
    ];
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  };
}
