import { open } from "node:fs/promises";
import { FileKindError, NON_BLOCKING, readRegularFile, tooLarge } from "../internal/read_file.ts";
import { systemClock } from "../time/clock.ts";

/** More than keys, tokens and certificates take. */
const MAX_SECRET_BYTES = 2 ** 20;

/** The time within which a pipe is written and closed. */
const MAX_PIPE_WAIT_MS = 5000;
const PIPE_POLL_MS = 10;

/** What came through a pipe, by its path: it can be read once, and each connection wants it. */
const pipes = new Map<string, Promise<Uint8Array>>();

/**
 * Reads a file of at most 1 MiB with a key, a token or certificates. It may be a pipe, such as the
 * shell's `<(command)`, which is read once; later calls return the same.
 *
 * @throws {FileKindError} when it is neither a regular file nor a pipe, is too large, or is a pipe
 *   that nobody has written and closed in 5 s
 * @throws {Error} of the system, when it cannot be read
 */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  if (!(await Deno.stat(path)).isFifo) return await readRegularFile(path, MAX_SECRET_BYTES);
  const read = pipes.get(path) ?? readPipe(path, MAX_SECRET_BYTES);
  pipes.set(path, read);
  read.catch(() => pipes.delete(path));
  return await read;
}

/** Reads without blocking, since a pipe's reader would wait for its writer in a thread for ever. */
async function readPipe(path: string, maxBytes: number): Promise<Uint8Array> {
  const file = await open(path, NON_BLOCKING);
  const end = systemClock.monotonic() + MAX_PIPE_WAIT_MS;
  try {
    const bytes = new Uint8Array(maxBytes + 1);
    let length = 0;
    while (length <= maxBytes) {
      const bytesRead = await file.read(bytes, length, bytes.length - length, null).then(
        (read) => read.bytesRead,
        (error) => {
          if (error.code === "EAGAIN") return null; // a writer is there, and has not written
          throw error;
        },
      );
      if (bytesRead === 0 && length > 0) return bytes.slice(0, length);
      if (bytesRead) length += bytesRead;
      else if (systemClock.monotonic() < end) await systemClock.sleep(PIPE_POLL_MS);
      else throw new FileKindError(`Nobody wrote and closed this pipe in ${MAX_PIPE_WAIT_MS} ms`);
    }
    throw tooLarge(maxBytes, "longer");
  } finally {
    await file.close();
  }
}
