import { Buffer } from "node:buffer";
import type { PublishOptions } from "../message_bus.ts";
import type { Frame } from "./nats_frame.ts";

/** The options that can prevent the writing of a message. */
export type Withdrawal = Pick<PublishOptions, "signal" | "permit">;

/**
 * The messages of a batch with the same subject, signal and permit. They share one promise, since
 * a promise for each of 100,000 messages would cost more than writing them.
 */
export interface Group {
  readonly subject: string;
  readonly withdrawal: Withdrawal;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Removes the listener of the signal. */
  forget?: () => void;
  isSettled: boolean;
}

/** Consecutive messages of one group. */
export interface Part {
  readonly group: Group;
  /** The frames; empty once the batch is sealed. */
  text: string;
  /** The length of the frames in UTF-8, in bytes. */
  bytes: number;
  count: number;
  /** The largest {@link Frame.size} of a message, in bytes. */
  largest: number;
}

export interface Sealed {
  readonly parts: readonly Part[];
  readonly bytes: Uint8Array;
}

/** Messages that are written together and confirmed by one PONG. */
export interface Batch {
  parts: Part[];
  readonly groups: Map<string, Group>;
  bytes: number;
  /** The encoded parts, once no message is added any more. */
  sealed: Sealed | null;
}

const encoder = new TextEncoder();

export function seal(batch: Batch): Sealed {
  const { parts } = batch;
  const text = parts.length === 1 ? parts[0]!.text : parts.map((part) => part.text).join("");
  for (const part of parts) part.text = "";
  return batch.sealed = { parts, bytes: encoder.encode(text) };
}

/** Returns the bytes of the messages that were neither withdrawn nor refused. */
export function unsettled({ parts, bytes }: Sealed): Uint8Array {
  if (parts.every(({ group }) => !group.isSettled)) return bytes;
  let from = 0;
  const pieces = parts.map((part) => {
    const piece = bytes.subarray(from, from += part.bytes);
    return part.group.isSettled ? [] : [piece];
  });
  return Buffer.concat(pieces.flat());
}

export function newBatch(): Batch {
  return { parts: [], groups: new Map(), bytes: 0, sealed: null };
}

export function newGroup(subject: string, { signal, permit }: Withdrawal): Group {
  const withdrawal = { signal, permit };
  return { subject, withdrawal, ...Promise.withResolvers<void>(), isSettled: false };
}

/** Reports whether a message with these options can join the group. */
export function belongsTo({ withdrawal }: Group, { signal, permit }: Withdrawal): boolean {
  return withdrawal.signal === signal && withdrawal.permit === permit;
}

export function addTo(batch: Batch, group: Group, { text, bytes, size }: Frame): void {
  batch.bytes += bytes;
  const last = batch.parts.at(-1);
  if (last?.group === group) {
    last.text += text;
    last.bytes += bytes;
    last.count++;
    last.largest = Math.max(last.largest, size);
  } else {
    batch.parts.push({ group, text, bytes, count: 1, largest: size });
  }
}

export function settle(group: Group, error?: unknown): void {
  if (group.isSettled) return;
  group.isSettled = true;
  group.forget?.();
  if (error === undefined) group.resolve();
  else group.reject(error);
}
