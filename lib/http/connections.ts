/**
 * Bounds the connections of a server so that a request still gets in when there are as many as may be.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The last request on a connection, and its answer. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Closes, where a new connection is one more than `max`, the one that has been longest without a request:
 * it sends nothing, or slowly, or it has been answered. Only where all others are being answered, the
 * new one is closed.
 */
export function boundConnections(server: Server, max: number): void {
  /** Begins with the one that opened, or sent a request, the longest time ago. */
  const connections = new Map<Socket, Exchange | null>();
  server.on("connection", (socket: Socket) => {
    connections.set(socket, null);
    socket.on("close", () => connections.delete(socket));
    if (connections.size <= max) return;
    const [idle] = [...connections].find(([, exchange]) => !isBeingAnswered(exchange))!;
    connections.delete(idle);
    idle.destroy();
  });
  server.on("request", (request, response) => {
    const { socket } = request;
    // A request may have come together with the end of its connection.
    if (connections.delete(socket)) connections.set(socket, { request, response });
  });
}

function isBeingAnswered(exchange: Exchange | null): boolean {
  return exchange?.request.complete === true && !exchange.response.writableEnded;
}
