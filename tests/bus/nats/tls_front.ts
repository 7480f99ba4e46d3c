import { join } from "node:path";

/**
 * What a server from 2.10.4 on is with `handshake_first`: TLS before its first word, in front of one
 * of any version.
 */
export async function tlsFront(
  port: number,
  certificates: string,
): Promise<AsyncDisposable & { port: number }> {
  const read = (name: string) => Deno.readTextFile(join(certificates, name));
  const listener = Deno.listenTls({
    ...{ hostname: "127.0.0.1", port: 0 },
    ...{ cert: await read("server.pem"), key: await read("server-key.pem") },
  });
  const open = new Set<Deno.Conn>();
  const pass = async (from: Deno.Conn, to: Deno.Conn, change = (text: string) => text) => {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    const buffer = new Uint8Array(65_536);
    for (let count; (count = await from.read(buffer)) !== null;) {
      const bytes = encoder.encode(change(decoder.decode(buffer.subarray(0, count))));
      for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
    }
  };
  const serve = async (client: Deno.Conn) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    open.add(client).add(server);
    const isSecure = (text: string) => text.replace(/^INFO \{/, 'INFO {"tls_required":true,');
    await Promise.race([pass(client, server), pass(server, client, isSecure)]).catch(() => {});
    for (const each of [client, server]) if (open.delete(each)) each.close();
  };
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const client of listener) serving.push(serve(client));
  })().catch(() => {});
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const each of open) each.close();
      open.clear();
      await accepting;
      await Promise.all(serving);
    },
  };
}
