/**
 * What only the tests need. Here and not in `deno.json`, so that `deno.lock` pins what the program is
 * made of, and nothing else needs to be trusted to build it.
 *
 * @module
 */
export { Ajv } from "./helpers/ajv.ts";
export { default as fc } from "npm:fast-check@4.10.2";
export { v5 } from "npm:uuid@14.0.3";
export { Svcm } from "npm:@nats-io/services@3.0.0-25";
export { chromium } from "npm:playwright-core@1.65.1";
