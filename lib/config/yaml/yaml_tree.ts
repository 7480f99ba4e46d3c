/**
 * A document with the position of every node, built from the parser's events when there is
 * something to report.
 *
 * @module
 */

import { type Event, EVENT_ID, getScalarValue, SCALAR_STYLE, type ScalarEvent } from "js-yaml";
import type { DocumentPath } from "../config_problem.ts";

/** One node; `offset` is where it is written, -1 where nothing is (`key:` without a value). */
export type YamlNode =
  | { readonly kind: "scalar"; readonly offset: number; readonly text: string; plain: boolean }
  | { readonly kind: "sequence"; readonly offset: number; readonly items: YamlNode[] }
  | { readonly kind: "mapping"; readonly offset: number; readonly pairs: YamlPair[] }
  | { readonly kind: "alias"; readonly offset: number; readonly target: YamlNode | undefined };

/** A key and its value. */
export interface YamlPair {
  readonly key: YamlNode;
  value: YamlNode;
}

const NOTHING: YamlNode = { kind: "scalar", offset: -1, text: "", plain: true };

/** The tree of the first document in `events`, the parser's reading of `text`. */
export function yamlTree(text: string, events: readonly Event[]): YamlNode {
  const open: YamlNode[] = [];
  const anchors = new Map<string, YamlNode>();
  const pending = new Map<YamlNode, YamlNode>();
  let root = NOTHING;

  const add = (node: YamlNode) => {
    const parent = open.at(-1);
    if (parent?.kind === "sequence") parent.items.push(node);
    else if (parent?.kind === "mapping") {
      const key = pending.get(parent);
      if (key === undefined) pending.set(parent, node);
      else {
        parent.pairs.push({ key, value: node });
        pending.delete(parent);
      }
    } else root = node;
  };
  const name = (node: YamlNode, event: { anchorStart: number; anchorEnd: number }) => {
    if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
  };

  for (const event of events.slice(1)) {
    if (event.type === EVENT_ID.DOCUMENT) break;
    if (event.type === EVENT_ID.POP) {
      const closed = open.pop();
      if (closed === undefined) break;
      add(closed);
    } else if (event.type === EVENT_ID.ALIAS) {
      const target = anchors.get(text.slice(event.anchorStart, event.anchorEnd));
      add({ kind: "alias", offset: event.anchorStart - 1, target });
    } else if (event.type === EVENT_ID.SCALAR) {
      const node = scalarNode(text, event);
      name(node, event);
      add(node);
    } else {
      const node: YamlNode = event.type === EVENT_ID.SEQUENCE
        ? { kind: "sequence", offset: event.start, items: [] }
        : { kind: "mapping", offset: event.start, pairs: [] };
      name(node, event);
      open.push(node);
    }
  }
  return root;
}

function scalarNode(text: string, event: ScalarEvent): YamlNode {
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED ||
    event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  const block = event.style === SCALAR_STYLE.LITERAL_BLOCK ||
    event.style === SCALAR_STYLE.FOLDED_BLOCK;
  // A block scalar's text begins a line below the place that a reader looks for: its key.
  const offset = block || event.valueStart < 0 ? -1 : event.valueStart - (quoted ? 1 : 0);
  const plain = event.style === SCALAR_STYLE.PLAIN && event.tagStart < 0;
  return { kind: "scalar", offset, text: getScalarValue(text, event), plain };
}

/**
 * Where `path` is written: the offset of its value (or of its key), or of the nearest place above
 * it that is. What a merge key or an alias brings in is found where it is written.
 */
export function offsetOf(root: YamlNode, path: DocumentPath, aimsAtKey = false): number {
  let node: YamlNode | undefined = root;
  let offset = Math.max(root.offset, 0);
  for (const [depth, part] of path.entries()) {
    const isLast = depth === path.length - 1;
    node = dealiased(node);
    let next: YamlNode | undefined;
    if (node?.kind === "sequence" && typeof part === "number") next = node.items[part];
    else if (node?.kind === "mapping") {
      const pair = findPair(node.pairs, String(part));
      if (pair === undefined) return offset;
      if (pair.key.offset >= 0) offset = pair.key.offset;
      if (isLast && aimsAtKey) return offset;
      next = pair.value;
    }
    if (next === undefined) return offset;
    if (next.offset >= 0) offset = next.offset;
    node = next;
  }
  return offset;
}

function dealiased(node: YamlNode | undefined): YamlNode | undefined {
  return node?.kind === "alias" ? node.target : node;
}

/** The last pair of this key, else the first that a merge key brings in. */
function findPair(pairs: readonly YamlPair[], key: string, depth = 0): YamlPair | undefined {
  const own = pairs.findLast((pair) => pair.key.kind === "scalar" && pair.key.text === key);
  if (own !== undefined || depth > 100) return own;
  for (const pair of pairs) {
    if (!isMergeKey(pair.key)) continue;
    const value = dealiased(pair.value);
    for (const source of value?.kind === "sequence" ? value.items : [value]) {
      const mapping = dealiased(source);
      if (mapping?.kind !== "mapping") continue;
      const merged = findPair(mapping.pairs, key, depth + 1);
      if (merged !== undefined) return merged;
    }
  }
}

/** Whether `key` is a plain `<<`. */
export function isMergeKey(key: YamlNode): boolean {
  return key.kind === "scalar" && key.plain && key.text === "<<";
}
