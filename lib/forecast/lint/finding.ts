/** A warning about an entry that is valid and probably not meant so. */
export interface LintFinding {
  readonly kind: "daylight_saving" | "same_second" | "rare_day";
  readonly entry: string;
  readonly message: string;
}
