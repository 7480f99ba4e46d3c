/**
 * Plain scalars that Python's YAML reads as something else. PyYAML follows YAML 1.1 with patterns
 * of its own (yaml/resolver.py); this program reads YAML 1.2's core schema.
 *
 * @module
 */

import { floatCoreTag, intCoreTag, NOT_RESOLVED } from "js-yaml";
import { excerpt } from "../../internal/excerpt.ts";

/** How one plain scalar was read, in words: `the string "yes"`, `the number 8`. */
export interface ScalarDifference {
  readonly here: string;
  readonly python: string;
}

/** What YAML 1.2 has a word for. */
const KEYWORD = /^(?:true|True|TRUE|false|False|FALSE|null|Null|NULL|~)$/;
/** Smaller ones Python writes with an exponent. */
const MIN_PLAIN_FRACTION = 1e-4;
/** Python writes it, and larger ones, with an exponent. */
const MIN_LARGE_FLOAT = 1e16;
/** More of an integer than a number holds, so that one that loses digits shows which. */
const MAX_DIGITS = 30;

const BOOLEAN = /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/;
const FLOAT =
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const INTEGER =
  /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/;
const TIMESTAMP =
  /^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$/;

/** What both read alike and most files hold, to get it out of the way. */
const ORDINARY_NUMBER = /^(?:0|-?[1-9][0-9]{0,14}|-?(?:0|[1-9][0-9]{0,9})\.[0-9]{1,9})$/;

/** Whether a plain scalar that begins with this UTF-16 code unit can be read in two ways at all. */
export function mayDiffer(firstCodeUnit: number): boolean {
  return firstCodeUnit < 128 && FIRST[firstCodeUnit] === 1;
}

/** Whether a plain scalar matters for what stands beside it, whatever it is read as. */
export function mayCollide(source: string, isKey: boolean): boolean {
  return source === "<<" || /^[?:]/.test(source) || (isKey && /^(?:true|false)$/i.test(source));
}

const FIRST = new Uint8Array(128);
for (const character of "0123456789+-.=<?:tTfFyYnNoO") FIRST[character.charCodeAt(0)] = 1;

/** How a plain scalar is read here and in Python, or null when both read the same. */
export function scalarDifference(source: string): ScalarDifference | null {
  if (ORDINARY_NUMBER.test(source)) return null;
  return difference(readHere(source), readInPython(source));
}

/**
 * How a scalar with a tag is read here and in Python, or null.
 *
 * @param tag as it is written
 */
export function taggedDifference(
  source: string,
  tag: string,
  isKey: boolean,
): ScalarDifference | null {
  if (tag === "!") {
    // A text here; in Python what it would be without the tag, and without quotes.
    const plain = source.replace(/\n$/, "");
    const python = plain === "" && plain === source
      ? "null"
      : KEYWORD.exec(plain)?.[0].toLowerCase() ?? readInPython(plain);
    return python === stringText(plain) ? null : difference(stringText(source), python);
  }
  const [, type] = /(int|float)>?$/.exec(tag) ?? [];
  if (type === undefined) return null;
  const { resolve, tagName } = type === "int" ? intCoreTag : floatCoreTag;
  const number = resolve(source, true, tagName);
  if (number === NOT_RESOLVED) return null; // refused here
  const here = type === "float" ? floatText(number) : integerText(number);
  const python = type === "float"
    ? floatText(pythonFloat(source))
    : /^[-+]?0[xo]?[0-9a-fA-F_]+$|^[-+]?[1-9][0-9_]*$|^[-+]?0$/.test(source)
    ? `the number ${pythonInteger(source.replace(/^([-+]?0)o/, "$1"))}`
    : here;
  return difference(here, python) ??
    (isKey && type === "float" ? floatKeyDifference(number) : null);
}

/** How a plain scalar is read as a key: what is sent has its text, and Python writes others. */
export function keyDifference(source: string): ScalarDifference | null {
  return scalarDifference(source) ??
    (FLOAT.test(source) ? floatKeyDifference(pythonFloat(source)) : null);
}

function floatKeyDifference(number: number): ScalarDifference | null {
  if (!Number.isFinite(number)) {
    return { here: stringText(String(number)), python: "a number that JSON cannot carry" };
  }
  const size = Math.abs(number);
  if (!Number.isInteger(number) && size >= MIN_PLAIN_FRACTION) return null;
  const python = Number.isInteger(number) && size < MIN_LARGE_FLOAT
    ? `${number}.0`
    : number.toExponential();
  return difference(stringText(String(number)), stringText(python));
}

/** Returns what a plain key is the same as, to this program and to Python. */
export function keyIdentity(source: string): { here: string; python: string } {
  const [keyword] = KEYWORD.exec(source) ?? [];
  const word = keyword === undefined || keyword === "~" || keyword === ""
    ? keyword && "null"
    : keyword.toLowerCase();
  if (word !== undefined) {
    const python = word === "true" ? "number 1" : word === "false" ? "number 0" : "null";
    return { here: word, python };
  }
  const integer = intCoreTag.resolve(source, false, intCoreTag.tagName);
  const number = integer === NOT_RESOLVED
    ? floatCoreTag.resolve(source, false, floatCoreTag.tagName)
    : integer;
  return number === NOT_RESOLVED
    ? { here: source, python: `text ${source}` }
    : { here: String(number), python: `number ${number}` };
}

function readHere(source: string): string {
  const integer = intCoreTag.resolve(source, false, intCoreTag.tagName);
  if (integer !== NOT_RESOLVED) return integerText(integer);
  const float = floatCoreTag.resolve(source, false, floatCoreTag.tagName);
  if (float !== NOT_RESOLVED) return floatText(float);
  return stringText(source);
}

function readInPython(source: string): string {
  if (BOOLEAN.test(source)) return /^(?:y|on$)/i.test(source) ? "true" : "false";
  if (FLOAT.test(source)) return floatText(pythonFloat(source));
  if (INTEGER.test(source)) {
    const value = pythonInteger(source);
    return value === null ? "an error" : `the number ${value}`;
  }
  if (TIMESTAMP.test(source)) return /[:]/.test(source) ? "a date and time" : "a date";
  if (source === "=") return "an error";
  return stringText(source);
}

function pythonFloat(source: string): number {
  const text = source.replaceAll("_", "").toLowerCase();
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = text.replace(/^[-+]/, "");
  if (digits === ".inf") return sign * Infinity;
  if (digits === ".nan") return NaN;
  return sign * digits.split(":").reduce((total, part) => total * 60 + Number(part), 0);
}

function pythonInteger(source: string): bigint | null {
  const text = source.replaceAll("_", "");
  const sign = text.startsWith("-") ? -1n : 1n;
  const digits = text.replace(/^[-+]/, "");
  if (/^0[bx]$/.test(digits)) return null;
  if (/^0[0-7]/.test(digits)) return sign * BigInt(`0o${digits.slice(1)}`);
  return sign * digits.split(":").reduce((total, part) => total * 60n + BigInt(part), 0n);
}

function integerText(value: number): string {
  return `the number ${Number.isFinite(value) ? BigInt(value) : value}`;
}

function floatText(value: number): string {
  return `the number ${value}`;
}

/** Returns the two readings in words that are not too long, or null where they are the same. */
function difference(here: string, python: string): ScalarDifference | null {
  return here === python ? null : { here: brief(here), python: brief(python) };
}

function brief(words: string): string {
  const long = words.replace(
    /^(the number -?)(\d+)$/,
    (whole, before, digits) =>
      digits.length <= MAX_DIGITS
        ? whole
        : `${before}${digits.slice(0, MAX_DIGITS)}… (${digits.length} digits)`,
  );
  return excerpt(long);
}

function stringText(source: string): string {
  return `the string ${JSON.stringify(source)}`;
}
