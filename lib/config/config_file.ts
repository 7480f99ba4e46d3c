import { errorText } from "../internal/error_text.ts";
import { FileKindError, readRegularFile, readStream } from "../internal/read_file.ts";
import type { ConfigProblem } from "./config_problem.ts";
import { LineIndex } from "./yaml/yaml_lines.ts";

/**
 * Configuration files are bounded: 100,000 entries take about 20 MB. What is longer is not read to
 * its end.
 */
const MAX_FILE_BYTES = 32 * 2 ** 20;

/** Why a file could not be read; the message says what to do. */
export class ConfigFileError extends Error {
  override readonly name = "ConfigFileError";

  constructor(
    message: string,
    /** From where on, or that the system would not let it be read. */
    readonly more: Pick<ConfigProblem, "line" | "column" | "unread"> = {},
  ) {
    super(message);
  }
}

/**
 * The text of a file, without its byte order mark.
 *
 * @param source the file's path, or its bytes
 * @throws {ConfigFileError} where there is no readable text file of at most 32 MiB
 */
export async function readConfigFile(
  source: string | ReadableStream<Uint8Array>,
): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = typeof source === "string"
      ? await readRegularFile(source, MAX_FILE_BYTES)
      : await readStream(source, MAX_FILE_BYTES);
  } catch (error) {
    throw explained(error);
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw new ConfigFileError("The file is UTF-16: save it as UTF-8");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ConfigFileError(
      "The file is not UTF-8 from here on: save it as UTF-8",
      firstBadCharacter(bytes),
    );
  }
}

function explained(error: unknown): ConfigFileError {
  if (error instanceof FileKindError) return new ConfigFileError(error.message);
  const message = error instanceof Deno.errors.NotFound
    ? "There is no such file: check the path, or the link's target; " +
      '"heddle-scheduler init" prints one to begin with'
    : error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable ||
        (error instanceof Error && "code" in error && error.code === "EACCES")
    ? "No permission to read the file: let this user, and Deno's --allow-read, read it"
    : `Cannot read the file: ${errorText(error)}`;
  return new ConfigFileError(message, { unread: true });
}

function firstBadCharacter(bytes: Uint8Array): { line: number; column: number } {
  // The longest prefix that decodes, by halving; streaming, so that it may end within a character.
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (decodes(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  const before = new TextDecoder().decode(bytes.subarray(0, good), { stream: true });
  return new LineIndex(before).position(before.length);
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
