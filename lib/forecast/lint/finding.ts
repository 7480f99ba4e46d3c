/** Advice about entries that are valid, and fire at other times than their writer may think. */
export interface LintFinding {
  readonly kind:
    | "daylight_saving"
    | "same_second"
    | "rare_day"
    | "both_day_fields"
    | "weekday_numbers"
    | "never_due";
  /** The first entry that it is about, in the order of the file. */
  readonly entry: string;
  /** All that it is about. */
  readonly entries: readonly string[];
  readonly message: string;
  /** Tells it from a problem of the file, which `--strict` counts. */
  readonly advice: true;
}

/** What a check says about one entry. */
export interface Advice {
  readonly message: string;
  /** What it has in common with others, where that is not the message, and the words for it. */
  readonly common?: { readonly cause: string; readonly message: string };
}

const MAX_NAMES = 3;

/** Names the entries of a finding: `"a"`, or `"a", "b", "c" and 14 more`. */
export function namesOf({ entries }: LintFinding): string {
  const named = entries.slice(0, MAX_NAMES).map((name) => JSON.stringify(name)).join(", ");
  return entries.length > MAX_NAMES ? `${named} and ${entries.length - MAX_NAMES} more` : named;
}
