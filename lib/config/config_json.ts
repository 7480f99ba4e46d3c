import { isPlainObject } from "../internal/plain_object.ts";
import { type DocumentPath, type Finding, formatPath, shown } from "./config_problem.ts";

/** NATS refuses messages far below this, whatever the server allows (64 MiB at most, 1 by default). */
const MAX_JSON_CHARACTERS = 8 * 2 ** 20;
const MAX_JSON_LEVELS = 100;
/** Messages name what is inside an entry, `schedules[n]`, from there on. */
const ENTRY_DEPTH = 2;

/** How large a value is once aliases are written out: characters of JSON, roughly, and levels. */
interface Extent {
  readonly length: number;
  readonly depth: number;
}

const SCALAR: Extent = { length: 8, depth: 0 };

/**
 * Checks that values can be sent as JSON: no NaN or infinity, nothing that contains itself, nothing
 * that unfolds beyond 8 MiB or 100 levels. A part that many values share (an alias) is looked at
 * once, so a file of aliases of aliases costs no more than its length.
 */
export class JsonCheck {
  readonly #known = new Map<object, Extent>();
  readonly #open = new Set<object>();

  /** The problems of `value`, which stands at `at` in the document, in the entry called `place`. */
  check(value: unknown, at: DocumentPath, place: string): Finding[] {
    const findings: Finding[] = [];
    const fail = (message: string, path: DocumentPath) => {
      const name = formatPath(path.slice(ENTRY_DEPTH));
      findings.push({ severity: "error", message: `${place}: '${name}' ${message}`, at: path });
    };
    const { length, depth } = this.#measure(value, at, 0, fail);
    if (length > MAX_JSON_CHARACTERS) {
      fail(
        `unfolds to more than ${MAX_JSON_CHARACTERS} characters of JSON: too large for a message`,
        at,
      );
    } else if (depth > MAX_JSON_LEVELS && findings.length === 0) {
      fail(`is nested more than ${MAX_JSON_LEVELS} levels deep`, at);
    }
    return findings;
  }

  #measure(
    value: unknown,
    at: DocumentPath,
    level: number,
    fail: (message: string, place: DocumentPath) => void,
  ): Extent {
    if (typeof value === "string") return { length: value.length + 3, depth: 0 };
    if (typeof value === "boolean" || value === null) return SCALAR;
    if (typeof value === "number") {
      if (!Number.isFinite(value)) fail(`is ${value}, which JSON cannot carry`, at);
      return SCALAR;
    }
    if (typeof value !== "object") {
      fail(`is ${shown(value)}, which JSON cannot carry`, at);
      return SCALAR;
    }
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#open.has(value)) {
      fail("contains itself, which JSON cannot carry", at);
      return SCALAR;
    }
    if (level > MAX_JSON_LEVELS) return { length: 0, depth: 1 };
    if (Array.isArray(value) && value.length > MAX_JSON_CHARACTERS) {
      return { length: value.length, depth: 1 };
    }
    if (!Array.isArray(value) && !isPlainObject(value)) {
      fail(`is ${shown(value)}, which JSON cannot carry`, at);
      return SCALAR;
    }

    this.#open.add(value);
    let length = 2;
    let depth = 0;
    const include = (part: unknown, key: string | number) => {
      const extent = this.#measure(part, [...at, key], level + 1, fail);
      length += extent.length;
      depth = Math.max(depth, extent.depth);
    };
    if (Array.isArray(value)) value.forEach(include);
    else {
      for (const [key, part] of Object.entries(value)) {
        length += key.length + 3;
        include(part, key);
      }
    }
    this.#open.delete(value);
    const extent = { length, depth: depth + 1 };
    this.#known.set(value, extent);
    return extent;
  }
}
