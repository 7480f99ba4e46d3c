/**
 * The permissions of expansion functions: the same in a process of their own and in the scheduler's.
 *
 * @module
 */

/** What user code may reach. */
export interface UserAccess {
  /** Absolute paths of files, and of directories with all that is in them. */
  readonly read: readonly string[];
  /** Hosts, each with or without a port; null for every one. */
  readonly net: readonly string[] | null;
}

/** Variables whose names begin so are meant for user code. */
const USER_PREFIX = "HEDDLE_EXPANSION_";

/** All of the environment that user code gets to see; the scheduler's credentials are not in it. */
export const USER_ENVIRONMENT = [
  "PATH",
  "HOME",
  "TZ",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "XDG_CACHE_HOME",
  "DENO_DIR",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  `${USER_PREFIX}*`,
];

/** Returns the variables of this process that user code gets to see. */
export function userVariables(): Record<string, string> {
  const names = USER_ENVIRONMENT.slice(0, -1);
  try {
    // All that this program may read: deno.json has the others ignored.
    names.push(...Object.keys(Deno.env.toObject()).filter((name) => name.startsWith(USER_PREFIX)));
  } catch {
    // A program that embeds the scheduler may have been allowed single variables.
  }
  const found = names.map((name) => [name, mayRead(name) ? Deno.env.get(name) : undefined]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** Returns the permissions of a worker that runs user code in this process. */
export function userPermissions({ read, net }: UserAccess): Deno.PermissionOptionsObject {
  // `deno task compile --allow-write=…` and its like are meant for expansion functions.
  const more = Deno.build.standalone ? "inherit" : false;
  return {
    read: [...read],
    net: net === null ? "inherit" : [...net],
    import: false, // of the network; what is read from files is a matter of `read`
    env: USER_ENVIRONMENT.filter(mayRead),
    write: more,
    run: more,
    sys: more,
    ffi: more,
  };
}

function mayRead(variable: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}

/** What Deno advises, to run the program with another flag, is no help here. */
const ADVICE = /, (?:run again with the \S+ flag|specify the required permissions .*?`[^`]*`)/g;

/** Says in the message of an error what would have allowed that which was refused. */
export function withWhatAllows(message: string): string {
  const kind = /\bRequires (\w+) access\b/.exec(message)?.[1];
  if (kind === undefined) return message;
  const allowed = ALLOWED[kind] ??
    `do that only in an executable that was compiled with --allow-${kind}`;
  return `${message.replace(ADVICE, "")}: an expansion function may ${allowed}`;
}

const ALLOWED: Record<string, string> = {
  read: "read its own directory and what `expand_allow.read` lists",
  net: "reach what `expand_allow.net` lists and nothing else",
  env: `read a few variables and those named ${USER_PREFIX}…`,
  import: "import files of its directory, `node:` modules and what was compiled in",
};
