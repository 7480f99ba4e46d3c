import { connect } from "../helpers/nats_client.ts";
import { eventually } from "../helpers/eventually.ts";
import { holdToSchema } from "../helpers/wire_schemas.ts";

export interface Received {
  readonly data: Record<string, unknown>;
  /** The entry that was dispatched. */
  readonly schedule: string;
}

/** Who listens to all that is dispatched on a server, and shares nothing else with the program. */
export interface Listener extends AsyncDisposable {
  readonly messages: readonly Received[];
  /** Waits until `count` messages of a kind have come. */
  received(kind: (message: Received) => boolean, count?: number): Promise<void>;
}

export async function listen(url: string): Promise<Listener> {
  const connection = await connect({ servers: url });
  const messages: Received[] = [];
  connection.subscribe("heddle.*.incoming", {
    callback: (_error, message) => {
      const data = message.json<Record<string, unknown>>();
      holdToSchema(message.subject, data);
      messages.push({
        data,
        schedule: message.headers?.get("Heddle-Schedule") ?? "",
      });
    },
  });
  await connection.flush();
  return {
    messages,
    received: (kind, count = 1) =>
      eventually(
        `${count} messages received for which ${kind}`,
        () => messages.filter(kind).length >= count,
      ),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
