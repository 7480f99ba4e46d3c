/** What a server does that is gone: it says nothing more, or it closes each connection. */
export type Gone = "silent" | "closed";

/** A TCP proxy on loopback that can stop forwarding without closing anything: a half-open link. */
export class TcpProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #running: Promise<void>;
  #stalled = false;
  #resume: (() => void)[] = [];
  #goneAt: { text: string; how: Gone; reached: () => void } | null = null;

  constructor(targetPort: number) {
    this.#target = targetPort;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#running = this.#accept();
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#listener.addr.port}`;
  }

  /**
   * Has the server gone from when a client asks it for something whose protocol holds `text`: that,
   * and all that follows, never reaches it.
   *
   * @returns resolves when that was asked for
   */
  goneAt(text: string, how: Gone): Promise<void> {
    return new Promise((reached) => this.#goneAt = { text, how, reached });
  }

  /** Lets nothing through from now on, and says nothing to anybody. */
  stall(): void {
    this.#stalled = true;
  }

  /** Lets everything through again, also what was held back. */
  resume(): void {
    this.#stalled = false;
    this.#goneAt = null;
    for (const resume of this.#resume.splice(0)) resume();
  }

  /** Closes every connection; new ones are accepted. */
  cut(): void {
    for (const connection of this.#connections) close(connection);
    this.#connections.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    this.resume();
    await this.#running;
  }

  async #accept(): Promise<void> {
    const pumps: Promise<void>[] = [];
    try {
      for await (const from of this.#listener) {
        this.#connections.add(from);
        pumps.push(this.#connect(from));
      }
    } catch {
      // closed
    }
    await Promise.all(pumps);
  }

  async #connect(from: Deno.TcpConn): Promise<void> {
    await this.#open();
    try {
      const to = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#connections.add(to);
      await Promise.all([this.#pump(from, to, true), this.#pump(to, from, false)]);
    } catch {
      close(from);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, isClient: boolean): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let before = "";
    try {
      for (;;) {
        await this.#open();
        const count = await from.read(buffer);
        if (count === null) break;
        if (isClient && this.#goneAt !== null) {
          const said = before + new TextDecoder().decode(buffer.subarray(0, count));
          before = said.slice(-200);
          if (said.includes(this.#goneAt.text)) this.#goes(this.#goneAt);
        }
        await this.#open();
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // one side has gone
    } finally {
      close(from);
      close(to);
    }
  }

  #goes({ how, reached }: { how: Gone; reached: () => void }): void {
    if (how === "silent") this.stall();
    else this.cut();
    reached();
  }

  #open(): Promise<void> {
    if (!this.#stalled) return Promise.resolve();
    return new Promise((resolve) => this.#resume.push(resolve));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
