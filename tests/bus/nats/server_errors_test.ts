/** The server's errors among all that it sends. */
import assert from "node:assert/strict";
import { ServerErrors } from "../../../lib/bus/nats/server_errors.ts";
import { announcedSeed, type Random, random } from "../../time/cron/random_expression.ts";

const encoder = new TextEncoder();

/** A payload that looks like what the server says itself. */
const DISGUISE = "x\r\n-ERR 'Permissions Violation for Publish to \"a\"'\r\nMSG a 1 5\r\n";

const message = (payload: string) =>
  `MSG a.b 1 ${encoder.encode(payload).length}\r\n${payload}\r\n`;

const withHeaders = (payload: string) => {
  const headers = "NATS/1.0\r\na: -ERR 'b'\r\n\r\n";
  const size = encoder.encode(payload).length;
  return `HMSG a.b 12 reply ${headers.length} ${headers.length + size}\r\n${headers}${payload}\r\n`;
};

Deno.test("an error is found by the line that it is, and what it says is told", () => {
  const rows: [sent: string, errors: string[]][] = [
    ["PONG\r\n", []],
    ["-ERR 'Unknown Protocol Operation'\r\n", ["Unknown Protocol Operation"]],
    ["-ERR unquoted\r\n-ERR\t'two'\r\n", ["unquoted", "two"]],
    [`-ERR 'Publish to "it's"'\r\nPONG\r\n`, [`Publish to "it's"`]],
    [`${message(DISGUISE)}-ERR 'yes'\r\n`, ["yes"]],
    [`${withHeaders(DISGUISE)}-ERR 'yes'\r\n`, ["yes"]],
    [`${message("")}${withHeaders("")}+OK\r\n-ERR 'ü'\r\n`, ["ü"]],
    [`INFO {"a":"-ERR 'no'"}\r\nPING\r\n-ERR 'cut off`, []],
  ];
  for (const [sent, errors] of rows) {
    assert.deepEqual(new ServerErrors().read(encoder.encode(sent)), errors, sent);
  }
});

Deno.test("however the bytes are cut, the same errors are found, each once and in order", () => {
  const seed = announcedSeed();
  for (let round = 0; round < 500; round++) {
    const chance = random(`${seed} errors ${round}`);
    const errors: string[] = [];
    let sent = "";
    for (let line = 0; line < 20; line++) {
      const kinds = [
        () => "PONG\r\n",
        () => message(DISGUISE.repeat(Math.floor(chance() * 4))),
        () => withHeaders("ü".repeat(Math.floor(chance() * 100))),
        () => {
          errors.push(`error ${line} of "ü"`);
          return `-ERR '${errors.at(-1)}'\r\n`;
        },
      ];
      sent += kinds[Math.floor(chance() * kinds.length)]!();
    }
    const serverErrors = new ServerErrors();
    const found = pieces(encoder.encode(sent), chance).flatMap((piece) => serverErrors.read(piece));
    assert.deepEqual(found, errors, `round ${round}`);
  }
});

function pieces(bytes: Uint8Array, chance: Random): Uint8Array[] {
  const largest = chance() < 0.3 ? 1 : 1 + Math.floor(chance() * 50);
  const all: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    all.push(bytes.slice(at, at += 1 + Math.floor(chance() * largest)));
  }
  return all;
}
