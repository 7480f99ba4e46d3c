/**
 * A validator of JSON Schemas. It is not only in `tests/deps.ts`, since whoever holds a message to
 * its schema need not load all that is there.
 *
 * @module
 */
export { Ajv } from "npm:ajv@8.20.0";
