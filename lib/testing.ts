/**
 * For tests of programs that use this library: a bus in memory, a clock that moves when it is told
 * to, and the promises of a bus as a suite of tests.
 *
 * @module
 */
export { MemoryBus, type MemoryBusOptions } from "./bus/memory_bus.ts";
export { testBusConformance, type WithBuses } from "./testing/bus_conformance.ts";
export { ManualClock, type Sleeper } from "./time/manual_clock.ts";
