/** The executable on servers that want TLS, which an older Deno puts on a socket otherwise. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeCertificates } from "../bus/nats/credentials.ts";
import { tlsFront } from "../bus/nats/tls_front.ts";
import { startNatsServer } from "../helpers/nats_server.ts";
import { HERE } from "./places.ts";

const FILES = {
  "s.yaml": `name: secured
schedules:
  - { name: often, interval_seconds: 0.2, dispatch_type: task, task: { worker_type: w } }
`,
};

async function withCertificates(test: (path: (name: string) => string) => Promise<void>) {
  const directory = await Deno.makeTempDir({ prefix: "heddle-certificates-" });
  try {
    await makeCertificates(directory);
    await test((name) => join(directory, name));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Fires on the server, and ends cleanly; prints nothing but its log. */
async function works(url: string, ...args: string[]): Promise<void> {
  await HERE.withFiles(FILES, async (site) => {
    await using program = site.start(["--config", site.path("s.yaml"), "--nats-url", url, ...args]);
    await program.logged("scheduler.task_dispatched", 3);
    program.kill("SIGTERM");
    assert.equal(await program.exit(), 0, program.stderr.join("\n"));
    assert.deepEqual(program.stderr.filter((line) => !line.startsWith("{")), []);
  });
}

Deno.test("over TLS it works, by an address and by a host name", async () => {
  await withCertificates(async (path) => {
    const config = `tls { cert_file: "${path("server.pem")}", key_file: "${path("server-key.pem")}",
      ca_file: "${path("ca.pem")}", verify: true }`;
    await using server = await startNatsServer({ config });
    const files = ["--nats-cert", path("client.pem"), "--nats-key", path("client-key.pem")];
    for (const host of ["127.0.0.1", "localhost"]) {
      await works(`tls://${host}:${server.port}`, "--nats-ca", path("ca.pem"), ...files);
    }
  });
});

Deno.test("with --nats-tls-first it works on a server with handshake_first", async () => {
  await withCertificates(async (path) => {
    await using server = await startNatsServer();
    await using front = await tlsFront(server.port, path("."));
    const url = `nats://localhost:${front.port}`;
    await works(url, "--nats-ca", path("ca.pem"), "--nats-tls-first");
  });
});
