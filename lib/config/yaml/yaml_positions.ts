import { COLLECTION_STYLE, type Event, EVENT_ID, getScalarValue, SCALAR_STYLE } from "js-yaml";
import type { DocumentPath } from "../config_problem.ts";

/** The value of the document, which is itself the event before. */
export const ROOT = 1;
const MAX_MERGE_LEVELS = 100;
/** Each level may bring in as much as the one before, twice. */
const MAX_KEYS_LEVELS = 5;

/** Where the values of a document are written; the event that one begins with is its number. */
export class YamlPositions {
  readonly #text: string;
  readonly #events: readonly Event[];
  /** What stands in each list and mapping; in a mapping, keys and values in turn. */
  readonly #inside = new Map<number, number[]>();
  /** The value that an alias stands for. */
  readonly #targets = new Map<number, number>();

  /** @param events the parser's reading of `text` */
  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
    const open: number[][] = [];
    const anchors = new Map<string, number>();
    for (const [node, event] of events.entries()) {
      if (event.type === EVENT_ID.POP) open.pop();
      else open.at(-1)?.push(node);
      if ("anchorStart" in event && event.anchorStart >= 0) {
        const name = text.slice(event.anchorStart, event.anchorEnd);
        if (event.type !== EVENT_ID.ALIAS) anchors.set(name, node);
        else this.#targets.set(node, anchors.get(name) ?? node);
      }
      if (isOf(event, EVENT_ID.DOCUMENT, EVENT_ID.SEQUENCE, EVENT_ID.MAPPING)) {
        const inside: number[] = [];
        this.#inside.set(node, inside);
        open.push(inside);
      }
    }
  }

  /** Returns where a value is written, or -1 where nothing is, as in `key:` without a value. */
  offset(node: number): number {
    const event = this.#events[node];
    if (event === undefined) return -1;
    if ("start" in event) return event.start;
    if (event.type === EVENT_ID.ALIAS) return event.anchorStart - 1;
    if (event.type !== EVENT_ID.SCALAR) return -1;
    if (event.valueStart < 0) return event.tagStart;
    if (event.style === SCALAR_STYLE.PLAIN) return event.valueStart;
    const isQuoted = event.style === SCALAR_STYLE.SINGLE_QUOTED ||
      event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    // A block scalar's text begins a line below the place that a reader looks for: its key.
    return isQuoted ? event.valueStart - 1 : -1;
  }

  /** Returns the text of a scalar, or null. */
  text(node: number): string | null {
    const event = this.#events[node];
    return event?.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, event) : null;
  }

  /** Returns the tag of a scalar as it is written; empty without one. */
  tag(node: number): string {
    const event = this.#events[node];
    return event?.type === EVENT_ID.SCALAR && event.tagStart >= 0
      ? this.#text.slice(event.tagStart, event.tagEnd)
      : "";
  }

  /** Reports whether a value is a scalar without quotes. */
  isUnquoted(node: number): boolean {
    const event = this.#events[node];
    return event?.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN;
  }

  /** Reports whether a value is a scalar without quotes and tag. */
  isPlain(node: number): boolean {
    return this.isUnquoted(node) && this.tag(node) === "";
  }

  /** Reports whether a key is a plain `<<`. */
  isMergeKey(key: number): boolean {
    return this.isPlain(key) && this.text(key) === "<<";
  }

  /** Reports whether a value is a list or a mapping in brackets. */
  isFlow(node: number): boolean {
    const event = this.#events[node];
    return event !== undefined && "style" in event && event.type !== EVENT_ID.SCALAR &&
      event.style === COLLECTION_STYLE.FLOW;
  }

  /** Returns the items of a list; none of another value. */
  items(node: number): readonly number[] {
    return this.#events[node]?.type === EVENT_ID.SEQUENCE ? this.#inside.get(node)! : [];
  }

  /** Returns the keys of a mapping, each with its value; none of another value. */
  pairs(node: number): [key: number, value: number][] {
    if (this.#events[node]?.type !== EVENT_ID.MAPPING) return [];
    const inside = this.#inside.get(node)!;
    return inside.flatMap((key, at) => at % 2 === 0 ? [[key, inside[at + 1]!]] : []);
  }

  /** Returns the keys that a merge key brings in by its value, some of them at least. */
  mergedKeys(value: number, depth = 0): number[] {
    const source = this.#targets.get(value) ?? value;
    return [source, ...this.items(source)].flatMap((each) =>
      this.pairs(this.#targets.get(each) ?? each).flatMap(([key, inside]) => {
        if (!this.isMergeKey(key)) return [key];
        return depth < MAX_KEYS_LEVELS ? this.mergedKeys(inside, depth + 1) : [];
      })
    );
  }

  /**
   * Returns where `path` is written: the offset of its value (or of its key), or of the nearest place
   * above it that is. What a merge key or an alias brings in is found where it is written.
   */
  find(path: DocumentPath, aimsAtKey = false): number {
    let node = ROOT;
    let offset = Math.max(this.offset(node), 0);
    for (const [depth, part] of path.entries()) {
      const parent = this.#targets.get(node) ?? node;
      const [key = -1, value = -1] = typeof part === "number"
        ? [-1, this.items(parent)[part]]
        : this.#findPair(parent, part) ?? [];
      const isKeyMeant = aimsAtKey && depth === path.length - 1;
      for (const each of isKeyMeant ? [key] : [key, value]) {
        if (this.offset(each) >= 0) offset = this.offset(each);
      }
      node = value;
    }
    return offset;
  }

  /** Returns where the first key that is a mapping or a list is written, or null. */
  complexKey(): number | null {
    for (const node of this.#inside.keys()) {
      const complex = this.pairs(node)
        .find(([key]) => this.text(this.#targets.get(key) ?? key) === null);
      if (complex !== undefined) return this.offset(complex[0]);
    }
    return null;
  }

  /** The last pair of this key, else the first that a merge key brings in. */
  #findPair(mapping: number, text: string, depth = 0): [number, number] | undefined {
    const pairs = this.pairs(mapping);
    const own = pairs.findLast(([key]) => this.text(key) === text);
    if (own !== undefined || depth > MAX_MERGE_LEVELS) return own;
    for (const [key, value] of pairs) {
      if (!this.isMergeKey(key)) continue;
      const source = this.#targets.get(value) ?? value;
      for (const each of [source, ...this.items(source)]) {
        const merged = this.#findPair(this.#targets.get(each) ?? each, text, depth + 1);
        if (merged !== undefined) return merged;
      }
    }
  }
}

function isOf(event: Event, ...types: Event["type"][]): boolean {
  return types.includes(event.type);
}
