/** Reports whether a text is a valid expression. */
export type IsCron = (text: string) => boolean;

/**
 * Names what `text` is, and says what to write instead; null where it is something else.
 *
 * @param problem what is wrong with it as an expression
 */
export type Rule = (text: string, isCron: IsCron, problem: string) => string | null;

export function quoted(text: string): string {
  return JSON.stringify(text);
}
