/** What a server and its clients need to know each other, made for one test. */
import { nkeys } from "@nats-io/nats-core";
import { join } from "node:path";

type KeyPair = ReturnType<typeof nkeys.createUser>;

export const seedOf = (pair: KeyPair) => new TextDecoder().decode(pair.getSeed());

const base64url = (bytes: Uint8Array) =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });

/** A JWT as `nsc` would sign it. */
function jwt(
  issuer: KeyPair,
  subject: KeyPair,
  name: string,
  nats: Record<string, unknown>,
): string {
  const claims = {
    jti: crypto.randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats: { version: 2, ...nats },
  };
  const text = [{ typ: "JWT", alg: "ed25519-nkey" }, claims]
    .map((part) => base64url(new TextEncoder().encode(JSON.stringify(part)))).join(".");
  return `${text}.${base64url(issuer.sign(new TextEncoder().encode(text)))}`;
}

/** A server's configuration with an operator and one account, and a user's `.creds` file. */
export function operatorMode(): { config: string; creds: string; seed: string } {
  const [operator, account, user] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
  ];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, conn: -1, leaf: -1 };
  const accountJwt = jwt(operator, account, "A", {
    type: "account",
    limits: { ...limits, wildcards: true },
  });
  const userJwt = jwt(account, user, "U", { type: "user", subs: -1, data: -1, payload: -1 });
  const seed = seedOf(user);
  return {
    config: `operator: "${jwt(operator, operator, "O", { type: "operator" })}"
      resolver: MEMORY
      resolver_preload: { ${account.getPublicKey()}: "${accountJwt}" }`,
    creds: `-----BEGIN NATS USER JWT-----
${userJwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`,
    seed,
  };
}

/** An authority, a certificate for 127.0.0.1 and localhost, and one for a client, as PEM files in `directory`. */
export async function makeCertificates(directory: string): Promise<void> {
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: directory })
      .output();
    if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await Deno.writeTextFile(
    join(directory, "server.ext"),
    "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
  );
  await Deno.writeTextFile(join(directory, "client.ext"), "extendedKeyUsage=clientAuth\n");
  for (const ca of ["ca", "other-ca"]) {
    const files = ["-keyout", `${ca}-key.pem`, "-out", `${ca}.pem`, "-days", "2"];
    await openssl("req", "-x509", ...key, ...files, "-subj", `/CN=${ca}`);
  }
  for (const who of ["server", "client"]) {
    const files = ["-keyout", `${who}-key.pem`, "-out", `${who}.csr`];
    await openssl("req", ...key, ...files, "-subj", `/CN=${who}`);
    const authority = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "2"];
    const files2 = ["-in", `${who}.csr`, "-out", `${who}.pem`, "-extfile", `${who}.ext`];
    await openssl("x509", "-req", ...files2, ...authority);
  }
}
