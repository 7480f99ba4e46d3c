import { printable } from "../internal/printable.ts";

/** Prints text that may come from outside to stdout, as lines. */
export function print(text: string): void {
  console.log(printable(text));
}

/** Prints text that may come from outside to stderr, as lines. */
export function printError(text: string): void {
  console.error(printable(text));
}
