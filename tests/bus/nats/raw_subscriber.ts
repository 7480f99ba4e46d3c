/** A witness of its own, which knows nothing of the bus: it speaks the protocol over plain TCP. */
export class RawSubscriber implements AsyncDisposable {
  /** Every payload that arrived. */
  readonly payloads: string[] = [];
  /** The reply subject of each that has one. */
  readonly replies: string[] = [];
  /** Every line that is no message: +OK, PONG, -ERR. */
  readonly lines: string[] = [];
  readonly #connection: Deno.TcpConn;
  readonly #reading: Promise<void>;
  #pongs: (() => void)[] = [];

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.#reading = this.#read();
  }

  /** Resolves when the server knows of the subscription. */
  static async open(port: number, pattern: string): Promise<RawSubscriber> {
    const subscriber = new RawSubscriber(await Deno.connect({ hostname: "127.0.0.1", port }));
    await subscriber.send(`CONNECT {"verbose":false,"headers":true}\r\nSUB ${pattern} 1\r\n`);
    await subscriber.sync();
    return subscriber;
  }

  /** The `n` of each payload. */
  get numbers(): number[] {
    return this.payloads.map((payload) => JSON.parse(payload).n);
  }

  async send(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Publishes any bytes whatever. */
  async publish(subject: string, payload: string | Uint8Array): Promise<void> {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    await this.send(`PUB ${subject} ${bytes.length}\r\n`);
    await this.send(bytes);
    await this.send("\r\n");
  }

  /** Resolves when the server has handled what was sent, and what it sent first has arrived. */
  async sync(): Promise<void> {
    const pong = new Promise<void>((resolve) => this.#pongs.push(resolve));
    await this.send("PING\r\n");
    await pong;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#connection.close();
    } catch {
      // the server was first
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    // One byte, one character: lengths are in bytes.
    const decoder = new TextDecoder("latin1");
    const buffer = new Uint8Array(256 * 1024);
    let rest = "";
    try {
      for (let count; (count = await this.#connection.read(buffer)) !== null;) {
        rest = this.#parse(rest + decoder.decode(buffer.subarray(0, count)));
      }
    } catch {
      // closed
    }
  }

  /** @returns what is not complete yet */
  #parse(text: string): string {
    let at = 0;
    for (;;) {
      const end = text.indexOf("\r\n", at);
      if (end === -1) return text.slice(at);
      const line = text.slice(at, end);
      if (!/^H?MSG /.test(line)) {
        at = end + 2;
        if (line === "PONG") this.#pongs.shift()?.();
        else if (line === "PING") void this.send("PONG\r\n");
        else this.lines.push(line);
        continue;
      }
      const words = line.split(" ");
      const size = Number(words.at(-1));
      const headers = line.startsWith("H") ? Number(words.at(-2)) : 0;
      const start = end + 2;
      if (text.length < start + size + 2) return text.slice(at);
      const [, , , reply] = words;
      if (words.length === (headers > 0 ? 6 : 5)) this.replies.push(reply!);
      this.payloads.push(text.slice(start + headers, start + size));
      at = start + size + 2;
    }
  }
}
