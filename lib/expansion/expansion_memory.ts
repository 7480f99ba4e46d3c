/**
 * How many processes expansion functions get, and how much memory each of them: as many as fit below
 * a limit, beside the scheduler.
 *
 * @module
 */
import process from "node:process";

const MIB = 2 ** 20;

/** The most processes at once, busy or kept warm. */
export const MAX_PROCESSES = 8;
/** The most memory a process may take beside the program itself, which all of them share. */
export const MAX_PROCESS_BYTES = 512 * MIB;
/** A process is started for each so many bytes. It needs some 30 MiB before it calls anything. */
const PROCESS_BYTES = 80 * MIB;
/** Where the limit leaves less, the one process gets this all the same. */
const MIN_PROCESS_BYTES = 48 * MIB;
/** What the scheduler keeps for itself: it has 64 MiB when it is idle, the program itself included. */
const SCHEDULER_BYTES = 96 * MIB;

export interface ExpansionMemory {
  /** How many processes there may be at once. */
  readonly processes: number;
  /** How much each of them may take, beside the program itself. */
  readonly processBytes: number;
}

/**
 * Shares out what `limitBytes` leaves beside the scheduler.
 *
 * @param limitBytes what the scheduler and these processes may take together; null for no limit
 */
export function expansionMemory(limitBytes: number | null): ExpansionMemory {
  const free = (limitBytes ?? Infinity) - SCHEDULER_BYTES;
  const processes = Math.max(1, Math.min(MAX_PROCESSES, Math.floor(free / PROCESS_BYTES)));
  const share = Math.floor(free / processes);
  return {
    processes,
    processBytes: Math.max(MIN_PROCESS_BYTES, Math.min(MAX_PROCESS_BYTES, share)),
  };
}

/** Returns the limit that the system sets to this process' memory; null where none is known. */
export function constrainedMemory(): number | null {
  // A program that embeds the scheduler may not have been allowed to ask.
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  if (state !== "granted") return null;
  // Not there before Deno 2.9. Without a limit it is a number above all memory.
  const { constrainedMemory }: { constrainedMemory?(): number } = process;
  const bytes = constrainedMemory?.() ?? 0;
  return bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER ? bytes : null;
}
