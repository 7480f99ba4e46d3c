import type { StreamInfo } from "./stream_bus.ts";

/** Something in a stream's configuration that loses or doubles messages. */
export interface StreamFault {
  /** The setting, as the server names it. */
  readonly setting: string;
  /** Its value, with the unit. */
  readonly value: string;
  /** What comes of it, and what would be right. */
  readonly problem: string;
}

/** With less, hardly any dispatch is small enough. */
const SMALL_MESSAGE_BYTES = 4096;

/**
 * Judges a stream as the place where each message is to be kept once.
 *
 * @param neededWindow for how long a message may be sent again, in seconds
 */
export function streamFaults(stream: StreamInfo, neededWindow: number): StreamFault[] {
  const { duplicateWindow, maxMessageBytes, maxMessagesPerSubject, retention, replicas } = stream;
  const faults: StreamFault[] = [];
  const add = (setting: string, value: string | number | boolean, problem: string) =>
    faults.push({ setting, value: String(value), problem });
  if (duplicateWindow < neededWindow) {
    add(
      "duplicate_window",
      `${duplicateWindow} s`,
      `What is sent again after a crash or a broken connection is stored a second time when more ` +
        `than ${duplicateWindow} s have passed; ${neededWindow} s are needed: ` +
        `heddle-scheduler stream create --name ${stream.name} --duplicate-window 10m`,
    );
  }
  if (!stream.isAcknowledging) {
    add("no_ack", true, "It does not say what it has stored: a dispatch that it drops is lost");
  }
  if (stream.isSealed) add("sealed", true, "It stores nothing any more: each dispatch fails");
  if (maxMessageBytes >= 0 && maxMessageBytes < SMALL_MESSAGE_BYTES) {
    add("max_msg_size", `${maxMessageBytes} B`, "A dispatch that is larger, with headers, fails");
  }
  if (stream.refusesWhenFull) {
    add("discard", "new", "When it is full it refuses dispatches until others are removed");
  }
  if (maxMessagesPerSubject > 0) {
    add(
      "max_msgs_per_subject",
      maxMessagesPerSubject,
      "Dispatches of one entry have one subject: older ones are dropped, read or not",
    );
  }
  if (retention === "interest") {
    add("retention", retention, "It drops a dispatch while no consumer is bound to its subject");
  }
  if (replicas > 1 && !stream.isClustered) {
    add(
      "num_replicas",
      replicas,
      "Its server is in no cluster, and loses the stream when it starts again: " +
        `heddle-scheduler stream create --name ${stream.name} --copies 1`,
    );
  }
  return faults;
}
