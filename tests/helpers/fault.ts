/**
 * Loaded before the program: SIGUSR2 is a fault of the program itself that nothing catches.
 *
 * @module
 */
Deno.addSignalListener("SIGUSR2", () => {
  throw new Error("a fault of the program");
});
