/**
 * Makes one call of an expansion function: imports the module, calls the function, checks what it
 * returned. Runs in the worker, beside user code.
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import type { ExpansionErrorKind } from "../expansion_error.ts";
import {
  type ExpansionRequest,
  failedReply,
  type Failure,
  returnedReply,
} from "../expansion_protocol.ts";
import { withWhatAllows } from "../user_permissions.ts";
import { BadReturn, jsonLists } from "./worker_result.ts";

/** The way back to the scheduler. */
export interface Channel {
  /** Sends a reply; resolves once there is room for more. */
  send(reply: Uint8Array): Promise<void>;
  /** Resolves once the scheduler asks for what was returned. */
  asked(): Promise<void>;
}

/** A stack is looked through so far, in characters. */
const MAX_STACK_CHARACTERS = 4000;

/** Answers `request` through `channel`. Never throws. */
export async function callExpansion(
  request: ExpansionRequest,
  { send, asked }: Channel,
): Promise<void> {
  let kind: ExpansionErrorKind = "import";
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(request.file).href);
    const expansion = exportOf(module, request.exportName);
    kind = "call";
    const result = await expansion(request.argument);
    kind = "bad_return";
    const { returned, lists } = jsonLists(result);
    const isAsked = asked();
    await send(returnedReply(returned));
    await isAsked;
    for (const list of lists) await send(list);
  } catch (error) {
    await send(failedReply(failureOf(kind, error, request.file)));
  }
}

/** The module has no such function. */
class MissingExport extends Error {
  override name = "MissingExport";

  constructor(message: string, readonly functions: string[]) {
    super(message);
  }
}

type Expansion = (argument: unknown) => unknown;

function exportOf(module: Record<string, unknown>, name: string): Expansion {
  const value = module[name];
  if (typeof value === "function") return value as Expansion;
  const problem = Object.hasOwn(module, name)
    ? `its export "${name}" is no function`
    : `it has no export "${name}"`;
  const names = Object.keys(module).filter((each) => typeof module[each] === "function");
  throw new MissingExport(problem, names);
}

/** What is told about something that was thrown, `kind` saying during what. */
function failureOf(kind: ExpansionErrorKind, error: unknown, file: string): Failure {
  const stack = error instanceof Error
    ? String(error.stack).slice(0, MAX_STACK_CHARACTERS)
    : undefined;
  if (error instanceof BadReturn) return { kind, reason: error.message };
  if (error instanceof MissingExport) {
    return { kind, reason: error.message, functions: error.functions };
  }
  let reason = describe(error);
  if (kind === "import") {
    // Deno draws the source below the first line, and wraps a syntax error in a TypeError.
    reason = reason.split("\n")[0]!.replace(/^TypeError: (?=SyntaxError: )/, "") +
      olderRuntimeHint(error, file);
  }
  return { kind, reason: withWhatAllows(reason), at: userFrame(stack), stack };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${Deno.inspect(error)}`;
  const text = `${error.name}: ${error.message}`;
  return error.cause === undefined ? text : `${text} (cause: ${describe(error.cause)})`;
}

/** The first line of the stack in a file that is not the program's own. */
function userFrame(stack = ""): string | undefined {
  const own = ["expansion_", "worker_"].map((name) => new URL(name, import.meta.url).href);
  return stack.match(/\bfile:\/\/[^\s()]+:\d+:\d+/g)
    ?.find((place) => !own.some((start) => place.startsWith(start)));
}

function olderRuntimeHint(error: unknown, file: string): string {
  const [major = 0, minor = 0, patch = 0] = Deno.version.deno.split(".").map((part) =>
    parseInt(part)
  );
  const reads = major > 2 || major === 2 && (minor > 8 || minor === 8 && patch >= 2);
  if (reads || !Deno.build.standalone || !(error instanceof SyntaxError)) return "";
  if (!file.endsWith(".ts") && !/\.ts\b/.test(error.message)) return "";
  return `; this program was built with Deno ${Deno.version.deno}, which reads no TypeScript from ` +
    `disk: write the module in JavaScript, or build with Deno 2.8.2 or later`;
}
