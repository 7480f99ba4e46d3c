/** The closed vocabularies of the wire format: each list, and the type made from it. */

export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
/** How urgent a message is: one of {@link PRIORITIES}. */
export type Priority = typeof PRIORITIES[number];

/** The kinds of models that a worker may use. */
export const MODEL_TIERS = ["local", "standard", "frontier"] as const;
/** Which kind of model a worker uses: one of {@link MODEL_TIERS}. */
export type ModelTier = typeof MODEL_TIERS[number];

/** What an entry can dispatch. */
export const DISPATCH_TYPES = ["goal", "task"] as const;
/** What an entry dispatches: one of {@link DISPATCH_TYPES}. */
export type DispatchType = typeof DISPATCH_TYPES[number];

/** What may be done about occurrences that were missed. */
export const CATCH_UP_POLICIES = ["none", "one", "all"] as const;
/** What is done about occurrences that were missed: one of {@link CATCH_UP_POLICIES}. */
export type CatchUp = typeof CATCH_UP_POLICIES[number];
