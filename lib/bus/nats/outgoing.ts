import { Buffer } from "node:buffer";
import type { PublishOptions } from "../message_bus.ts";
import type { Frame } from "./nats_frame.ts";

/** What keeps messages from being written after all; one object stands for one fate. */
export type Withdrawal = Pick<PublishOptions, "signal" | "permit">;

/**
 * Messages that share one fate and one promise: those to one subject within a batch, withdrawn by
 * one signal, permitted by one function. A promise and an object for each of 100,000 messages cost more than writing them.
 */
export interface Group {
  readonly subject: string;
  readonly withdrawal: Withdrawal;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
  /** Stops listening to the signal. */
  forget?: () => void;
  isSettled: boolean;
}

/** Messages of one group that follow each other. */
export interface Part {
  readonly group: Group;
  /** Until the batch is sealed. */
  text: string;
  /** Length of the text in UTF-8. */
  bytes: number;
  count: number;
  /** The size of the largest, as `max_payload` counts it. */
  largest: number;
}

export interface Sealed {
  readonly parts: readonly Part[];
  readonly bytes: Uint8Array;
}

/** Written together, and confirmed by one PONG. */
export interface Batch {
  parts: Part[];
  readonly groups: Map<string, Group>;
  bytes: number;
  /** All parts as bytes, once nothing is added any more. */
  sealed: Sealed | null;
}

const encoder = new TextEncoder();

export function seal(batch: Batch): Sealed {
  const { parts } = batch;
  const text = parts.length === 1 ? parts[0]!.text : parts.map((part) => part.text).join("");
  for (const part of parts) part.text = "";
  return batch.sealed = { parts, bytes: encoder.encode(text) };
}

/** What is left to write: without what was withdrawn or refused since. */
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

/** Whether a message that may be withdrawn so belongs to the group. */
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
