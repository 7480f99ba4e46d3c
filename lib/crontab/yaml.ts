/**
 * Pieces of YAML that read the same in every version of it.
 *
 * @module
 */

/** What YAML does not print, and what one of its versions takes for the end of a line. */
// deno-lint-ignore no-control-regex -- those are the ones to escape
const UNPRINTABLE = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\p{Cs}/gu;
/** Words without quotes that are no string to some YAML. */
const RESERVED = /^(?:y|n|yes|no|on|off|true|false|null)$/i;

/** `text` in double quotes; JSON's strings are YAML's too. */
export function quotedScalar(text: string): string {
  return JSON.stringify(text).replaceAll(UNPRINTABLE, escaped);
}

/** `text` without quotes where it is an ordinary word or a path of them, else {@link quotedScalar}. */
export function plainScalar(text: string): string {
  return /^[a-z_][\w/-]*$/i.test(text) && !RESERVED.test(text) ? text : quotedScalar(text);
}

/** A comment of one line; what cannot stand in one is written as in a quoted scalar. */
export function comment(text: string): string {
  const line = text.trimEnd().replaceAll(UNPRINTABLE, escaped);
  return line.startsWith("#") ? line : `# ${line}`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
