/** Who we are and to whom we speak: each kind of credentials on a real server that asks for it. */
import { nkeys } from "@nats-io/nats-core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { BusConnectError } from "../../../lib/bus/message_bus.ts";
import { NatsBus, type NatsBusOptions } from "../../../lib/bus/nats/nats_bus.ts";
import { LogRecorder } from "../../helpers/log_recorder.ts";
import { type NatsServerOptions, startNatsServer } from "../../helpers/nats_server.ts";
import { take } from "../../../lib/testing/bus_conformance.ts";
import { makeCertificates, operatorMode, seedOf } from "./credentials.ts";
import { tlsFront } from "./tls_front.ts";

type Options = Partial<NatsBusOptions>;

async function connects(options: NatsBusOptions): Promise<void> {
  const log = new LogRecorder();
  const bus = new NatsBus({ logger: log, ...options });
  try {
    await bus.connect();
    const subscription = await bus.subscribe("a.b");
    await bus.publish("a.b", { n: 1 });
    assert.equal((await take(subscription, 1))[0]!.data.n, 1);
  } finally {
    await bus.close();
  }
  assert.deepEqual(log.of("bus.error"), []);
  assertNoSecret(JSON.stringify(log.lines));
}

/** @returns the error's message */
async function fails(options: NatsBusOptions): Promise<string> {
  const log = new LogRecorder();
  const bus = new NatsBus({ logger: log, connectTimeout: 1000, ...options });
  let message = "";
  await assert.rejects(bus.connect(), (error: Error) => {
    assert.ok(error instanceof BusConnectError, String(error));
    message = error.message;
    return true;
  });
  await bus.close();
  assertNoSecret(message + JSON.stringify(log.lines));
  return message;
}

/** Every password, token and seed in here has this in it, but for seeds: those begin with SU. */
function assertNoSecret(text: string): void {
  assert.doesNotMatch(text, /hush|SU[A-Z2-7]{50}/);
}

async function withServer(
  options: NatsServerOptions,
  test: (server: { url: string; as: (user: string) => string; directory: string }) => Promise<void>,
): Promise<void> {
  await using server = await startNatsServer(options);
  const as = (user: string) => server.url.replace("//", `//${user}@`);
  await test({ url: server.url, as, directory: server.directory });
}

const REFUSED = /the server refuses the credentials/;

Deno.test("user and password in the URL", async () => {
  const config = `authorization { user: "us er", password: "hush/@:,%" }`;
  await withServer({ config }, async ({ url, as }) => {
    const right = `us%20er:${encodeURIComponent("hush/@:,%")}`;
    await connects({ servers: as(right) });
    for (const user of ["us%20er:hush-wrong", "hushtoken"]) {
      const before = performance.now();
      assert.match(await fails({ servers: as(user), connectTimeout: 10_000 }), REFUSED);
      assert.ok(performance.now() - before < 5000, "at once");
    }
    assert.match(await fails({ servers: url }), REFUSED);
  });
});

Deno.test("a token in the URL", async () => {
  await withServer({ config: `authorization { token: "hush" }` }, async ({ as }) => {
    await connects({ servers: as("hush") });
    const message = await fails({ servers: as("hush-wrong") });
    assert.match(message, REFUSED);
    assert.match(message, /^Cannot connect to nats:\/\/127\.0\.0\.1:\d+: /);
  });
});

Deno.test("an nkey seed file", async () => {
  const user = nkeys.createUser();
  const config = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
  const files = {
    "right.nk": `# a comment\n${seedOf(user)}\n`,
    "wrong.nk": seedOf(nkeys.createUser()),
    "account.nk": seedOf(nkeys.createAccount()),
    "broken.nk": seedOf(user).slice(0, -2),
    "empty.nk": "",
  };
  await withServer({ config, files }, async ({ url, directory }) => {
    const nkeyFile = (name: string): Options => ({
      credentials: { nkeyFile: join(directory, name) },
    });
    await connects({ servers: url, ...nkeyFile("right.nk") });
    assert.match(await fails({ servers: url, ...nkeyFile("wrong.nk") }), REFUSED);
    for (const name of ["account.nk", "broken.nk", "empty.nk"]) {
      const message = await fails({ servers: url, ...nkeyFile(name) });
      assert.equal(
        message,
        `Cannot use nkey file "${
          join(directory, name)
        }": expected a line with a user's seed, "SU…"`,
      );
    }
    assert.match(
      await fails({ servers: url, ...nkeyFile("none.nk") }),
      /^Cannot read nkey file ".*none\.nk": No such file/,
    );
  });
});

Deno.test("a creds file", async () => {
  const { config, creds } = operatorMode();
  const files = {
    "right.creds": creds,
    "dos.creds": creds.replaceAll("\n", "\r\n"),
    "other.creds": operatorMode().creds,
    "cut.creds": creds.slice(0, creds.indexOf("-----BEGIN USER")),
  };
  await withServer({ config, files }, async ({ url, directory }) => {
    const credsFile = (name: string): Options => ({
      credentials: { credsFile: join(directory, name), nkeyFile: "" },
    });
    await connects({ servers: url, ...credsFile("right.creds") });
    await connects({ servers: url, ...credsFile("dos.creds") });
    assert.match(await fails({ servers: url, ...credsFile("other.creds") }), REFUSED);
    assert.match(
      await fails({ servers: url, ...credsFile("cut.creds") }),
      /^Cannot use credentials file ".*cut\.creds": expected the blocks /,
    );
    assert.match(
      await fails({ servers: url, ...credsFile("none.creds"), waitForFirst: true }),
      /^Cannot read credentials file ".*none\.creds": No such file/,
    );
    const pipe = join(directory, "pipe.creds");
    await new Deno.Command("mkfifo", { args: [pipe] }).output();
    const written = Deno.writeTextFile(pipe, creds);
    await connects({ servers: url, ...credsFile("pipe.creds") });
    await written;
    await connects({ servers: url, ...credsFile("pipe.creds") }); // what was read the first time
    const both = join(directory, "right.creds");
    assert.match(
      await fails({ servers: url, credentials: { credsFile: both, nkeyFile: both } }),
      /: one is wanted$/,
    );
  });
});

Deno.test("TLS with an authority of one's own, and with a client's certificate", async () => {
  const certificates = await Deno.makeTempDir({ prefix: "heddle-certificates-" });
  try {
    await makeCertificates(certificates);
    const file = (name: string) => join(certificates, name);
    const pair = `cert_file: "${file("server.pem")}", key_file: "${file("server-key.pem")}"`;
    const caFile = file("ca.pem");
    const certFile = file("client.pem");
    const keyFile = file("client-key.pem");

    await withServer({ config: `tls { ${pair} }` }, async ({ url }) => {
      await connects({ servers: url, tls: { caFile } });
      await connects({ servers: url.replace("nats:", "tls:"), tls: { caFile } });
      const unknown = await fails({ servers: url, tls: { caFile: file("other-ca.pem") } });
      assert.match(unknown, /: TLS: /);
      assert.match(await fails({ servers: url }), /: TLS: /);
    });
    const verified = `tls { ${pair}, ca_file: "${caFile}", verify: true }`;
    await withServer({ config: verified }, async ({ url }) => {
      await connects({ servers: url, tls: { caFile, certFile, keyFile } });
      await fails({ servers: url, tls: { caFile } });
      assert.equal(
        await fails({ servers: url, tls: { caFile, certFile } }),
        `Cannot use "${certFile}" for TLS: its key file is wanted too`,
      );
      assert.match(
        await fails({ servers: url, tls: { caFile: file("none.pem") } }),
        /^Cannot read authorities file ".*none\.pem": No such file/,
      );
      assert.match(
        await fails({ servers: url, tls: { caFile: file("server.csr") } }),
        /^Cannot use authorities file ".*server\.csr": expected PEM with a block "CERTIFICATE"$/,
      );
    });
    await withServer({}, async ({ url }) => {
      assert.match(await fails({ servers: url.replace("nats:", "tls:") }), /TLS|tls/);
    });
  } finally {
    await Deno.remove(certificates, { recursive: true });
  }
});

Deno.test("TLS from the first byte, as a server with handshake_first wants it", async () => {
  const certificates = await Deno.makeTempDir({ prefix: "heddle-certificates-" });
  try {
    await makeCertificates(certificates);
    const caFile = join(certificates, "ca.pem");
    await using server = await startNatsServer();
    await using front = await tlsFront(server.port, certificates);
    const servers = `nats://localhost:${front.port}`;
    await connects({ servers, tls: { caFile, handshakeFirst: true } });
    await connects({
      servers: servers.replace("nats", "tls"),
      tls: { caFile, handshakeFirst: true },
    });
    assert.match(await fails({ servers, tls: { handshakeFirst: true } }), /: TLS: /);
    // Without it nobody speaks first.
    assert.match(await fails({ servers, tls: { caFile } }), /no answer in time/);
  } finally {
    await Deno.remove(certificates, { recursive: true });
  }
});

Deno.test("credentials that are renewed on disk serve the next connection", async () => {
  const [old, renewed] = [nkeys.createUser(), nkeys.createUser()];
  const config = (...users: typeof old[]) =>
    `authorization { users: [ ${
      users.map((user) => `{ nkey: ${user.getPublicKey()} }`).join(", ")
    } ] }`;
  const files = { "user.nk": seedOf(old) };
  await using server = await startNatsServer({ config: config(old), files });
  const nkeyFile = join(server.directory, "user.nk");
  const log = new LogRecorder();
  const bus = new NatsBus({ servers: server.url, logger: log, credentials: { nkeyFile } });
  await bus.connect();
  await server.kill();
  server.configure(config(renewed), { "user.nk": seedOf(renewed) });
  await server.start();
  await bus.publish("a.b", { n: 1 });
  assert.equal(log.of("bus.reconnected").length, 1);
  await bus.close();
});

Deno.test("refused credentials do not end a bus that was connected before", async () => {
  const config = (password: string) => `authorization { user: u, password: "${password}" }`;
  await using server = await startNatsServer({ config: config("hush1") });
  const log = new LogRecorder();
  const servers = server.url.replace("//", "//u:hush1@");
  const bus = new NatsBus({ servers, logger: log });
  await bus.connect();
  await server.kill();
  server.configure(config("hush2"));
  await server.start();
  const published = bus.publish("a.b", { n: 1 });
  const failures = () => log.of("bus.reconnect_failed").map(({ fields }) => String(fields.error));
  while (!failures().some((error) => REFUSED.test(error))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await server.kill();
  server.configure(config("hush1"));
  await server.start();
  await published;
  assertNoSecret(JSON.stringify(log.lines));
  await bus.close();
});
