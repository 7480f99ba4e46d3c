/** The closed vocabularies of the wire format: each list, and the type made from it. */

/** The priorities of a message, the lowest first. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
/** The priority of a message: one of {@link PRIORITIES}. */
export type Priority = typeof PRIORITIES[number];

/** The kinds of models that a worker may use. */
export const MODEL_TIERS = ["local", "standard", "frontier"] as const;
/** The kind of model that a worker uses: one of {@link MODEL_TIERS}. */
export type ModelTier = typeof MODEL_TIERS[number];

/** The kinds of messages that an entry can dispatch. */
export const DISPATCH_TYPES = ["goal", "task", "message"] as const;
/** The kind of message that an entry dispatches: one of {@link DISPATCH_TYPES}. */
export type DispatchType = typeof DISPATCH_TYPES[number];

/** The wire formats of goals and tasks: of Heddle's releases, and of its main branch. */
export const WIRES = ["v1", "envelope"] as const;
/** A wire format: one of {@link WIRES}. */
export type Wire = typeof WIRES[number];

/** The policies for occurrences that were missed. */
export const CATCH_UP_POLICIES = ["none", "one", "all"] as const;
/** The policy for occurrences that were missed: one of {@link CATCH_UP_POLICIES}. */
export type CatchUp = typeof CATCH_UP_POLICIES[number];

/** How dispatches are delivered; `auto`: into a stream where one captures the subject. */
export type DeliveryMode = "auto" | "core" | "jetstream";
/** The values of {@link DeliveryMode}. */
export const DELIVERY_MODES: readonly DeliveryMode[] = ["auto", "core", "jetstream"];

/**
 * The way that a dispatch takes. `fallback`: over core NATS, though a stream captured the subject
 * before. `unknown`: the server has not said yet whether one does.
 */
export type DeliveryWay = "jetstream" | "core" | "fallback" | "unknown";
/** The values of {@link DeliveryWay}. */
export const DELIVERY_WAYS: readonly DeliveryWay[] = ["jetstream", "core", "fallback", "unknown"];
