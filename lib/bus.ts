/**
 * Message buses: what one promises, one in memory, one on NATS, and the errors of both.
 *
 * @module
 */
export { MemoryBus, type MemoryBusOptions } from "./bus/memory_bus.ts";
export {
  BusClosedError,
  BusConnectError,
  type JsonObject,
  type Message,
  type MessageBus,
  NoReplyError,
  NotPermittedError,
  type PublishOptions,
  type RequestOptions,
  type SubscribeOptions,
  type Subscription,
  UnconfirmedError,
} from "./bus/message_bus.ts";
export { NatsBus, type NatsBusOptions } from "./bus/nats/nats_bus.ts";
export type { NatsCredentials, NatsTls } from "./bus/nats/nats_identity.ts";
export {
  ConflictError,
  isStreamBus,
  type JetStream,
  JetStreamUnavailableError,
  type KeyValue,
  LookupRefusedError,
  NoStreamError,
  type Revised,
  type StreamAck,
  type StreamBus,
  type StreamChanges,
  StreamError,
  type StreamInfo,
  type StreamLimits,
} from "./bus/stream_bus.ts";
export type { Logger } from "./log/logger.ts";
export type { Clock } from "./time/clock.ts";
