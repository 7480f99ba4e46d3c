/**
 * Why an expansion failed: `invalid`, `expand_from` names nothing that may be called; `import`, its
 * module or export cannot be loaded; `call`, the function threw, hung or ended its process;
 * `bad_return`, it returned something else than a list of plain objects.
 */
export type ExpansionErrorKind = "invalid" | "import" | "call" | "bad_return";

/** The module file and export that an `expand_from` stands for. */
export interface ExpansionTarget {
  /** Absolute path, with every symbolic link resolved. */
  file: string;
  /** The same from the expansion root, for people. */
  path: string;
  exportName: string;
}

export interface ExpansionErrorOptions extends ErrorOptions {
  expandFrom: string;
  /** Left out where `expandFrom` could not be resolved. */
  target?: ExpansionTarget;
}

const ACTIONS: Record<ExpansionErrorKind, (what: string, target: ExpansionTarget) => string> = {
  invalid: (what) => `Cannot resolve ${what}`,
  import: (what, { path }) => `Cannot load ${path} for ${what}`,
  call: (what, { path, exportName }) => `Cannot finish ${exportName} of ${path} for ${what}`,
  bad_return: (what, { path, exportName }) =>
    `Cannot use what ${exportName} of ${path} returned for ${what}`,
};

/** An expansion that gave no objects. The message names `expand_from`, file, export and cause. */
export class ExpansionError extends Error {
  override name = "ExpansionError";
  readonly kind: ExpansionErrorKind;
  readonly expandFrom: string;
  readonly target: ExpansionTarget | null;

  constructor(
    kind: ExpansionErrorKind,
    reason: string,
    { expandFrom, target, ...options }: ExpansionErrorOptions,
  ) {
    const what = `expand_from ${JSON.stringify(expandFrom)}`;
    const action = target === undefined
      ? ACTIONS.invalid(what, NOWHERE)
      : ACTIONS[kind](what, target);
    super(`${action}: ${reason}`, options);
    this.kind = kind;
    this.expandFrom = expandFrom;
    this.target = target ?? null;
  }
}

const NOWHERE: ExpansionTarget = { file: "", path: "", exportName: "" };
