/**
 * What a module exports, by its text: the module is not loaded.
 *
 * @module
 */

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;

/** At the beginning of a statement; what stands in a comment may be taken for one. */
const EXPORT = new RegExp(
  String.raw`(?:^|[;}]|\*/)[^\S\r\n]*export\s*(?:` +
    String.raw`(?:(?:async\s+)?function[\s*]*|(?:abstract\s+)?class\s+|(?:const|let|var)\s+)` +
    String.raw`(?<declared>${NAME})|\{(?<list>[^{}]*)\}|(?<standard>default)\b)`,
  "gmu",
);
/** One of a list: `a`, `a as b`, `a as "b"`. */
const LISTED = new RegExp(String.raw`(${NAME})["']?$`, "u");
/** Nothing that can be called. */
const LISTED_TYPE = /^type\s+(?!as\b)/;

/** Exports whose names are not told by {@link EXPORT}. */
const UNCLEAR = [
  /\bexport\s*(?:\*|\/[/*]|import\b)/, // of another module, behind a comment
  /\bexport\s+(?:const|let|var)\s*[{[/]/, // taken out of an object
  /\bexport\s*\{[^{}]*\/[/*]/,
  /\b(?:function|class)[\s*]*\/[/*]/,
  /\bexports\b/, // CommonJS
];

/**
 * Returns the names that a module exports where `name` is certainly not one of them; null where it is, or
 * where the text does not say.
 */
export function exportsWithout(name: string, text: string): string[] | null {
  if (UNCLEAR.some((pattern) => pattern.test(text))) return null;
  const names = new Set<string>();
  for (const { groups = {} } of text.matchAll(EXPORT)) {
    const { declared, list = "", standard } = groups;
    if (declared ?? standard) names.add(declared ?? standard!);
    for (const item of list.split(",").map((each) => each.trim())) {
      const listed = LISTED_TYPE.test(item) ? undefined : LISTED.exec(item)?.[1];
      if (listed !== undefined) names.add(listed);
    }
  }
  // `export const a = 1, b = 2`
  const isLater = () => {
    const words = text.matchAll(new RegExp(String.raw`,\s*(${NAME})`, "gu"));
    return /\bexport\s+(?:const|let|var)\s/.test(text) && words.some(([, word]) => word === name);
  };
  return names.has(name) || isLater() ? null : [...names];
}
