/**
 * The permissions of expansion functions: the same in a process of their own and in the scheduler's.
 *
 * @module
 */

/** Ends the error message of a function that asks for more. */
export const PERMISSIONS_IN_WORDS =
  "an expansion function may read files and use the network, nothing else";

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
];

/** Returns the permissions of a worker that runs user code in this process. */
export function userPermissions(): Deno.PermissionOptionsObject {
  // `deno task compile --allow-write=…` and its like are meant for expansion functions.
  const more = Deno.build.standalone ? "inherit" : false;
  return {
    read: "inherit",
    net: "inherit",
    import: "inherit",
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
