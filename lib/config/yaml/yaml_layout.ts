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
export function parseLayout(text: string, maxDepth: number): Layout {
  let first: unknown;
  let layout: Layout = { text, events: [], added: new Map(), indented: [] };
  const numbers = new Set<number>();
  for (let parsed = 0;;) {
    try {
      const events = parseEvents(layout.text, { maxDepth });
      const literal = numbersInBlocks(layout, events);
      if (literal.length === 0) {
        endAsWritten(layout.text, events);
        return { ...layout, events };
      }
      for (const each of literal) numbers.delete(each);
    } catch (error) {
      const number = refusedLine(layout.text, error);
      if (first === undefined && number !== null) {
        // What is closed in its key's column once may be so in a thousand places.
        for (const each of closedInColumn(text)) numbers.add(each);
      } else if (number === null || numbers.has(number)) throw first ?? error;
      first ??= error;
      numbers.add(number);
    }
    parsed += layout.text.length;
    if (parsed > MAX_PARSED_CHARACTERS) throw first;
    layout = indent(text, numbers);
  }
}

/** Returns `text` with blanks before the lines of these numbers. */
function indent(text: string, numbers: ReadonlySet<number>): Layout {
  const added = new Map<number, number>();
  const indented: number[] = [];
  let length = 0;
  const lines = linesOf(text).map((line, index) => {
    const isWanted = numbers.has(index + 1);
    if (isWanted) {
      added.set(index + 1, INDENTATION.length);
      indented.push(length + INDENTATION.length + line.search(/[^ ]/));
    }
    const longer = isWanted ? INDENTATION + line : line;
    length += longer.length;
    return longer;
  });
  return { text: lines.join(""), events: [], added, indented };
}

/** Returns the lines of `text`, each with its break. */
function linesOf(text: string): string[] {
  return text.match(/[^\r\n]*(?:\r\n?|\n)|[^\r\n]+$/g) ?? [];
}

/** Returns the numbers of the lines that close a bracket in the column of the key that opened it. */
function closedInColumn(text: string): number[] {
  const found: number[] = [];
  const above: { column: number; opens: boolean }[] = [];
  for (const [index, line] of linesOf(text).entries()) {
    const column = /^(?: |- )*/.exec(line)![0].length;
    const rest = line.slice(column).trimEnd();
    if (rest === "") continue;
    while (above.length > 0 && above.at(-1)!.column > column) above.pop();
    const last = above.at(-1);
    if (/^[\]}]/.test(rest) && last?.column === column && last.opens) found.push(index + 1);
    if (last?.column === column) above.pop();
    above.push({ column, opens: /[[{,]$/.test(rest) });
  }
  return found;
}

/** Returns the numbers of the indented lines that are the text of a block scalar. */
function numbersInBlocks({ indented, added }: Layout, events: readonly Event[]): number[] {
  if (indented.length === 0) return [];
  const blocks = events.filter((event) => event.type === EVENT_ID.SCALAR && isBlock(event));
  const numbers = [...added.keys()];
  const found: number[] = [];
  let next = 0;
  for (const block of blocks) {
    if (block.type !== EVENT_ID.SCALAR) continue;
    while (next < indented.length && indented[next]! < block.valueStart) next++;
    for (; next < indented.length && indented[next]! < block.valueEnd; next++) {
      found.push(numbers[next]!);
    }
  }
  return found;
}

/** Returns the number of the line that the parser refuses for its column, or null. */
function refusedLine(text: string, error: unknown): number | null {
  if (!(error instanceof YAMLException) || error.reason !== "deficient indentation") return null;
  const position = error.mark?.position ?? text.length;
  const before = text.slice(0, position);
  const start = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
  return position < text.length && /^ *$/.test(before.slice(start))
    ? before.split(/\r\n?|\n/).length
    : null;
}

/** A block scalar that the text ends in has no line break at its end where the text has none. */
function endAsWritten(text: string, events: Event[]): void {
  const last = events.findLast((event) => event.type === EVENT_ID.SCALAR);
  if (last?.type !== EVENT_ID.SCALAR || last.valueEnd !== text.length) return;
  if (!isBlock(last) || /[\n\r]$/.test(text)) return;
  if (last.indent >= 0) last.chomping = CHOMPING_MODE.STRIP;
  // It has nothing but empty lines: the last is none.
  else last.valueEnd = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
}

function isBlock(scalar: Event): boolean {
  return scalar.type === EVENT_ID.SCALAR &&
    (scalar.style === SCALAR_STYLE.LITERAL_BLOCK || scalar.style === SCALAR_STYLE.FOLDED_BLOCK);
}
