import { Buffer } from "node:buffer";

/** A message in the form of the protocol. */
export interface Frame {
  readonly text: string;
  /** The length of `text` in UTF-8, in bytes. */
  readonly bytes: number;
  /** The size of headers and payload, which the server's `max_payload` limits, in bytes. */
  readonly size: number;
}

/**
 * Returns a PUB, or an HPUB if there are headers, of arguments that have been checked:
 * https://docs.nats.io/reference/reference-protocols/nats-protocol. It is text, since a batch of
 * texts is encoded in one call: twice as fast as calling the client's `publish` for each message.
 */
export function publishFrame(
  subject: string,
  payload: string,
  headers?: Readonly<Record<string, string>>,
  reply?: string,
): Frame {
  const block = headers === undefined ? "" : headerBlock(headers);
  const headerSize = block === "" ? 0 : Buffer.byteLength(block);
  const size = headerSize + Buffer.byteLength(payload);
  const to = reply === undefined ? subject : `${subject} ${reply}`;
  const command = block === "" ? `PUB ${to} ${size}` : `HPUB ${to} ${headerSize} ${size}`;
  const text = `${command}\r\n${block}${payload}\r\n`;
  return { text, bytes: Buffer.byteLength(command) + size + 4, size };
}

function headerBlock(headers: Readonly<Record<string, string>>): string {
  let lines = "";
  for (const name in headers) lines += `${name}: ${headers[name]}\r\n`;
  return lines === "" ? "" : `NATS/1.0\r\n${lines}\r\n`;
}
