/** The closed vocabularies of the wire format: each list, and the type made from it. */

export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = typeof PRIORITIES[number];

export const MODEL_TIERS = ["local", "standard", "frontier"] as const;
export type ModelTier = typeof MODEL_TIERS[number];

export const DISPATCH_TYPES = ["goal", "task"] as const;
export type DispatchType = typeof DISPATCH_TYPES[number];

export const CATCH_UP_POLICIES = ["none", "one", "all"] as const;
export type CatchUp = typeof CATCH_UP_POLICIES[number];
