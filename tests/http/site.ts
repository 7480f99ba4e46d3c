import { request as httpRequest } from "node:http";
import { Program } from "../helpers/program.ts";

export const CONFIG = `name: served
schedules:
  - { name: often, interval_seconds: 0.1, dispatch_type: task, task: { worker_type: w } }
  - { name: daily, cron: "0 4 * * *", dispatch_type: goal, goal: { instruction: Sum up } }
  - { name: off, cron: "* * * * *", enabled: false, dispatch_type: task, task: { worker_type: w } }
`;

export interface HttpSite {
  readonly program: Program;
  readonly url: string;
  readonly port: number;
  readonly path: string;
  readonly directory: string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, options: SendOptions): Promise<Answer>;
}

export interface SendOptions {
  headers?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A scheduler with `--http`, from source, on the memory bus unless `args` say otherwise. */
export async function served(
  args: string[],
  test: (site: HttpSite) => Promise<void>,
  { config = CONFIG, token }: { config?: string; token?: string } = {},
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "heddle-http-" });
  const path = `${directory}/schedules.yaml`;
  await Deno.writeTextFile(path, config);
  const guarded = token === undefined ? [] : ["--http-token-file", `${directory}/token`];
  if (token !== undefined) await Deno.writeTextFile(`${directory}/token`, `${token}\n`);
  const bus = args.includes("--nats-url") ? [] : ["--bus", "memory"];
  try {
    await using program = new Program([
      ...["--config", path, "--http", "0", ...bus, ...guarded],
      ...args,
    ]);
    const url = String((await program.logged("http.listening")).url);
    const port = Number(new URL(url).port);
    const send = (method: string, target: string, options: SendOptions) =>
      ask(port, method, target, options);
    const get = (target: string, headers?: Record<string, string>) =>
      send("GET", target, { headers });
    await test({ program, url, port, path, directory, get, send });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Unlike fetch, it sends any header, and any path as it is. */
function ask(
  port: number,
  method: string,
  path: string,
  { headers = {}, body }: SendOptions,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, method, path, headers, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => text += piece);
        response.on(
          "end",
          () => resolve({ status: response.statusCode!, headers: response.headers, body: text }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The events of a page's stream, as they come. */
export async function* events(url: string, signal: AbortSignal) {
  const response = await fetch(`${url}events`, { signal });
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body!) {
      text += decoder.decode(bytes, { stream: true });
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        yield JSON.parse(text.slice("data: ".length, end));
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
