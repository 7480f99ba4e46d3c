import type { Logger } from "../log/logger.ts";

/** They have no meaning here and would end the process; what rotates logs sends them. */
const SIGNALS = ["SIGUSR1", "SIGUSR2"] as const;

const HINT = "it has no meaning here: end what sends it; SIGHUP reads the configuration again";

/** Deno opens it at SIGUSR1, whether or not somebody listens; an executable has none. */
const DEBUGGER_HINT =
  "Deno has opened its debugger on 127.0.0.1:9229, through which every user of " +
  "this machine can read passwords and run code: end this process, and deploy the executable, " +
  "which has no debugger";

/** Warns of signals that are not for this program, in place of being ended by them. */
export function ignoreUserSignals(logger: Logger): Disposable {
  if (Deno.build.os === "windows") return { [Symbol.dispose]() {} };
  const listeners = SIGNALS.map((signal) => {
    const hint = signal === "SIGUSR1" && !Deno.build.standalone ? DEBUGGER_HINT : HINT;
    const listener = () => logger.warning("actor.signal_ignored", { signal, hint });
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return {
    [Symbol.dispose]: () => listeners.forEach((stop) => stop()),
  };
}
