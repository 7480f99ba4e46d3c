/**
 * The base class of a long-lived actor on a bus, and what its methods are given.
 *
 * @module
 */
export { type ActorOptions, BaseActor, DEFAULT_NATS_URL, type RunOptions } from "./actor/actor.ts";
export type {
  JsonObject,
  Message,
  MessageBus,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from "./bus/message_bus.ts";
export type { Logger } from "./log/logger.ts";
