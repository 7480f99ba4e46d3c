import { type NatsServer, startNatsServer } from "../helpers/nats_server.ts";

/** A port that was free a moment ago: routes have to be known before the servers start. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** Servers of one JetStream cluster. They do not tell clients of each other. */
export async function startCluster(size: number): Promise<NatsServer[]> {
  const ports = Array.from({ length: size }, freePort);
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(", ");
  return await Promise.all(ports.map((port, index) =>
    startNatsServer({
      config: `
        server_name: n${index}
        jetstream { store_dir: "$DIR/jetstream" }
        cluster {
          name: heddle-chaos
          listen: "127.0.0.1:${port}"
          routes: [${routes}]
          no_advertise: true
        }
        accounts {
          SYS { users: [{ user: sys, password: sys }] }
          APP { jetstream: enabled, users: [{ user: app, password: app }] }
        }
        system_account: SYS
        no_auth_user: app
      `,
    })
  ));
}
