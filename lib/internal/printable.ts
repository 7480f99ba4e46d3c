/**
 * Control characters but the end of a line and the tab, and those that change the direction of the
 * text: a terminal would obey them.
 */
const UNPRINTABLE =
  // deno-lint-ignore no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Escapes what a terminal would obey, as in JSON, whose texts stay what they are. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
