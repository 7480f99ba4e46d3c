import { Buffer } from "node:buffer";
import { constants, open } from "node:fs/promises";

/** To open and read a pipe without blocking. Windows has no such flag. */
export const NON_BLOCKING = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A file is not what can be read as a whole: it is no regular file, or too large. */
export class FileKindError extends Error {
  override readonly name = "FileKindError";
}

/**
 * Reads a regular file. Of what else there may be at a path, a pipe would have its reader wait until
 * somebody writes, and a device may never end.
 *
 * @throws {FileKindError} when it is no regular file, or has more than `maxBytes`
 * @throws {Error} of the system, when it cannot be read
 */
export async function readRegularFile(
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size, ...info } = await Deno.stat(path);
  if (!info.isFile) throw new FileKindError(`This is ${kindOf(info)}: name a regular file`);
  if (size > maxBytes) throw tooLarge(maxBytes, `${size} bytes`);
  // A pipe may have taken its place since: to open that must not wait either.
  const file = await open(path, NON_BLOCKING);
  try {
    // It may grow meanwhile, so the end is what counts.
    let bytes = new Uint8Array(size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return bytes.subarray(0, length);
      length += bytesRead;
      if (length > maxBytes) throw tooLarge(maxBytes, "longer");
      if (length < bytes.length) continue;
      const larger = new Uint8Array(2 * length + 4096);
      larger.set(bytes);
      bytes = larger;
    }
  } finally {
    await file.close();
  }
}

/**
 * Reads a stream to its end, which it must reach within `maxBytes`.
 *
 * @throws {FileKindError} when it has more
 */
export async function readStream(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stream) {
    length += piece.length;
    if (length > maxBytes) throw tooLarge(maxBytes, "longer");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function kindOf(info: Omit<Deno.FileInfo, "size">): string {
  if (info.isDirectory) return "a directory";
  if (info.isFifo) return "a pipe (FIFO)";
  if (info.isSocket) return "a socket";
  return "a device";
}

export function tooLarge(maxBytes: number, size: string): FileKindError {
  return new FileKindError(
    `The file is too large: at most ${maxBytes} bytes are read, this is ${size}`,
  );
}
