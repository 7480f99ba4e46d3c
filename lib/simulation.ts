/**
 * What a configuration does over any span of time, in a moment and without a bus.
 *
 * @module
 */
export type { BusySpan } from "./forecast/busiest.ts";
export {
  type EntrySummary,
  randomStalls,
  type SimulatedFiring,
  Simulation,
  type SimulationOptions,
  type SimulationSummary,
  type Stall,
} from "./forecast/simulation.ts";
