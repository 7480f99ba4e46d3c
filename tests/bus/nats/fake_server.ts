/** A server that says what a test has it say, to one client after another. */
export class FakeServer implements AsyncDisposable {
  /** All that clients wrote. */
  received = "";
  answersPings = true;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;
  #connection: Deno.TcpConn | null = null;

  constructor() {
    this.#serving = this.#serve();
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#listener.addr.port}`;
  }

  async say(text: string): Promise<void> {
    await this.#connection?.write(new TextEncoder().encode(text));
  }

  hangUp(): void {
    this.#connection?.close();
    this.#connection = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.hangUp();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.#connection = connection;
        await this.say(
          `INFO {"server_id":"a","version":"2.10.0","proto":1,"headers":true,"max_payload":9999}\r\n`,
        );
        await this.#read(connection).catch(() => {});
      }
    } catch {
      // closed
    }
  }

  async #read(connection: Deno.TcpConn): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65_536);
    for (let count; (count = await connection.read(buffer)) !== null;) {
      const text = decoder.decode(buffer.subarray(0, count));
      this.received += text;
      const pings = text.split("PING\r\n").length - 1;
      if (this.answersPings) await this.say("PONG\r\n".repeat(pings));
    }
  }
}
