/** Which way bytes go: to the server, or from it. */
export type Direction = "up" | "down";

/** A line between a program and a server that can be slow, deaf on one side, or dead. */
export class FaultyProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: () => number;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  /** Bytes that go this way are read and thrown away. */
  readonly dropped = new Set<Direction>();
  /** Each piece of bytes arrives so much later, in milliseconds. */
  delay = 0;

  constructor(target: () => number) {
    this.#target = target;
    this.#running = this.#accept();
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Everything passes again. Connections that lost bytes are closed: they cannot go on. */
  heal(): void {
    this.delay = 0;
    if (this.dropped.size > 0) this.cut();
    this.dropped.clear();
  }

  cut(): void {
    for (const connection of this.#connections) close(connection);
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.heal();
    this.cut();
    await this.#running;
  }

  async #accept(): Promise<void> {
    const pumps: Promise<void>[] = [];
    try {
      for await (const from of this.#listener) pumps.push(this.#connect(from));
    } catch {
      // closed
    }
    await Promise.all(pumps);
  }

  async #connect(from: Deno.TcpConn): Promise<void> {
    this.#connections.add(from);
    try {
      const to = await Deno.connect({ hostname: "127.0.0.1", port: this.#target() });
      to.setNoDelay(true);
      from.setNoDelay(true);
      this.#connections.add(to);
      await Promise.all([this.#pump(from, to, "up"), this.#pump(to, from, "down")]);
      this.#connections.delete(to);
    } catch {
      close(from); // the server is away
    }
    this.#connections.delete(from);
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, direction: Direction): Promise<void> {
    let last = Promise.resolve();
    try {
      for (;;) {
        const buffer = new Uint8Array(64 * 1024);
        const count = await from.read(buffer);
        if (count === null) break;
        if (this.dropped.has(direction)) continue;
        const due = performance.now() + this.delay;
        last = last.then(() => this.#write(to, buffer.subarray(0, count), due));
        if (this.delay === 0) await last;
      }
    } catch {
      // one side has gone
    }
    await last.catch(() => {});
    close(from);
    close(to);
  }

  async #write(to: Deno.TcpConn, bytes: Uint8Array, due: number): Promise<void> {
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
