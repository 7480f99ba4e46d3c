/** Longer texts are cut in messages. */
export const MAX_EXCERPT_CHARACTERS = 60;

/** Returns `text` for a message, as it is but shortened. */
export function excerpt(text: string): string {
  return text.length <= MAX_EXCERPT_CHARACTERS ? text : `${beginning(text)}…`;
}

/** Returns `text` in quotes for a message, shortened. */
export function quoted(text: string): string {
  if (text.length <= MAX_EXCERPT_CHARACTERS) return JSON.stringify(text);
  return `${JSON.stringify(beginning(text))}…`;
}

function beginning(text: string): string {
  return text.slice(0, MAX_EXCERPT_CHARACTERS).replace(/[\uD800-\uDBFF]$/, "");
}
