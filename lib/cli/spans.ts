const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1000]] as const;

/**
 * Returns a time as text in its two largest units: `3 h 12 min`, `4.2 s`, `17 ms`. A negative one
 * is `0 ms`.
 */
export function span(milliseconds: number): string {
  const ms = Math.max(0, Math.round(milliseconds));
  if (ms < 1000) return `${ms} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const place = UNITS.findIndex(([, length]) => ms >= length);
  const [unit, length] = UNITS[place]!;
  const whole = `${Math.floor(ms / length)} ${unit}`;
  const following = UNITS[place + 1];
  if (following === undefined) return whole;
  const rest = Math.floor(ms % length / following[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${following[0]}`;
}
