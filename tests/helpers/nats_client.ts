/**
 * A client of NATS as other programs use it, with its own transport, for the other end of a
 * connection. It is not among `tests/deps.ts`, since benchmarks measure what they load.
 *
 * @module
 */
export { connect } from "npm:@nats-io/transport-node@3.4.0";
