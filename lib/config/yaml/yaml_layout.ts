import {
  CHOMPING_MODE,
  type Event,
  EVENT_ID,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from "js-yaml";

/** More than any key stands to the right. */
const INDENTATION = " ".repeat(256);
/** How much is parsed again, at most, to read lines that are not indented. */
const MAX_PARSED_CHARACTERS = 8 * 2 ** 20;

/** A text as the parser takes it. */
export interface Layout {
  /** With blanks before some lines. */
  readonly text: string;
  readonly events: Event[];
  /** The number of those blanks, by the number of the line, from 1 on. */
  readonly added: ReadonlyMap<number, number>;
  /** Where what follows them begins. */
  readonly indented: readonly number[];
}

/**
 * Parses a text as PyYAML does where YAML 1.2 is stricter: inside of brackets and quotes a line may
 * begin in any column. Such lines are indented.
 *
 * @throws {YAMLException} the parser's first
 */
export function parseLayout(original: string, maxDepth: number): Layout {
  let text = original;
  let first: unknown;
  const added = new Map<number, number>();
  const indented: number[] = [];
  for (let parsed = 0;;) {
    try {
      const events = parseEvents(text, { maxDepth });
      endAsWritten(text, events);
      return { text, events, added, indented };
    } catch (error) {
      first ??= error;
      const refused = unindentedLine(text, error);
      parsed += text.length;
      if (refused === null || parsed > MAX_PARSED_CHARACTERS) throw first;
      const { start, position } = refused;
      const line = text.slice(0, start).split(/\r\n?|\n/).length;
      if (added.has(line)) throw first;
      added.set(line, INDENTATION.length);
      // The parser goes on from there, so that what is found later stands further on.
      indented.push(position + INDENTATION.length);
      text = text.slice(0, start) + INDENTATION + text.slice(start);
    }
  }
}

/** Returns the place that the parser refuses for its column, and where its line begins, or null. */
function unindentedLine(
  text: string,
  error: unknown,
): { start: number; position: number } | null {
  if (!(error instanceof YAMLException) || error.reason !== "deficient indentation") return null;
  const position = error.mark?.position ?? text.length;
  const before = text.slice(0, position);
  const start = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
  return position < text.length && /^ *$/.test(before.slice(start)) ? { start, position } : null;
}

/** A block scalar that the text ends in has no line break at its end where the text has none. */
function endAsWritten(text: string, events: Event[]): void {
  const last = events.findLast((event) => event.type === EVENT_ID.SCALAR);
  if (last?.type !== EVENT_ID.SCALAR || last.valueEnd !== text.length) return;
  const isBlock = last.style === SCALAR_STYLE.LITERAL_BLOCK ||
    last.style === SCALAR_STYLE.FOLDED_BLOCK;
  if (isBlock && !/[\n\r]$/.test(text)) last.chomping = CHOMPING_MODE.STRIP;
}
