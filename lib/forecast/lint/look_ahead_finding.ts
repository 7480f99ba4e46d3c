/** Something that is valid, and probably not meant. */
export interface LookAheadFinding {
  readonly kind: "daylight_saving" | "crowd" | "rare_day";
  readonly entry: string;
  readonly message: string;
}
