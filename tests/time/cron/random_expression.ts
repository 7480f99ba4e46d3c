/** A number from 0 up to 1, as `Math.random`, but the same again for the same seed. */
export type Random = () => number;

/** The seed of this run: `SEED` from the environment, to see a failure again, or a new one. */
function seedOf(): string {
  return Deno.env.get("SEED") ?? String(Math.floor(Math.random() * 1e9));
}

/** The seed of this run, printed first, so that a failure can be seen again. */
export function announcedSeed(): string {
  const seed = seedOf();
  console.log(`SEED=${seed}`);
  return seed;
}

/** Deterministic numbers: mulberry32, started from a hash of the text. */
export function random(seed: string): Random {
  let state = 0x811c_9dc5;
  for (const character of seed) {
    state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x0100_0193);
  }
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Options {
  /** Prefer values around the wall-clock times near this instant, in seconds since the epoch. */
  near?: number;
  /** Six or seven fields. */
  seconds?: boolean;
  /** Only what croner reads as the contract does: no wrapping ranges, no `7` in front. */
  croner?: boolean;
}

const MONTHS = ["jan", "FEB", "Mar", "apr", "MAY", "jun", "jul", "AUG", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "MON", "tue", "Wed", "thu", "FRI", "sat"];

/** A well-formed expression that can fire. */
export function randomExpression(chance: Random, options: Options = {}): string {
  const below = (count: number) => Math.floor(chance() * count);
  const one = <T>(...choices: [T, ...T[]]): T => choices[below(choices.length)] ?? choices[0];
  const between = (min: number, max: number) => min + below(max - min + 1);

  const range = (min: number, max: number) => {
    const [first, last] = [between(min, max), between(min, max)];
    return options.croner && last < first ? `${last}-${first}` : `${first}-${last}`;
  };
  const step = (min: number, max: number) => one(1, 2, 2, 3, 5, 7, 10, 15, 20, 30, max - min + 1);
  const item = (min: number, max: number): string => {
    const every = Math.min(step(min, max), max - min + 1);
    return one(
      () => String(between(min, max)),
      () => String(between(min, max)),
      () => range(min, max),
      () => `${range(min, max)}/${every}`,
      () => `*/${every}`,
      () => `${between(min, max)}/${every}`,
    )();
  };
  const list = (make: () => string) => Array.from({ length: one(1, 1, 1, 2, 3) }, make).join(",");

  const dayOfMonthItem = () =>
    one(
      () => item(1, 31),
      () => item(1, 31),
      () => item(1, 31),
      () => "L",
      () => "l",
      () => options.croner ? "15w" : "LW",
      () => `${between(1, 31)}W`,
    )();
  const weekday = () => one(String(below(7)), DAYS[below(7)] ?? "sun", options.croner ? "0" : "7");
  const dayOfWeekItem = () =>
    one(
      () => item(0, 6),
      weekday,
      () => options.croner ? item(0, 6) : `${weekday()}-${weekday()}`,
      () => options.croner ? item(0, 6) : `${weekday()}-${weekday()}/${between(1, 7)}`,
      () => `${weekday()}#${between(1, 5)}`,
      () => `${weekday()}L`,
    )();

  const nearHour = options.near === undefined ? undefined : between(0, 4);
  const hour = () =>
    nearHour === undefined || chance() < 0.4
      ? list(() => item(0, 23))
      : one(String(nearHour), `${nearHour}-${between(nearHour, 23)}`, `0-${nearHour}`);
  const everyDay = () => chance() < (options.near === undefined ? 0.4 : 0.7);
  const month = () =>
    chance() < 0.75
      ? "*"
      : one(() => list(() => item(1, 12)), () => MONTHS[below(MONTHS.length)] ?? "jan")();

  for (;;) {
    const dayOfMonth = everyDay() ? one("*", "*", "?") : list(dayOfMonthItem);
    const months = month();
    // Days that a named month may not have: such an expression may never fire, which is an error.
    if (months !== "*" && /29|30|31/.test(dayOfMonth)) continue;
    const fields = [
      chance() < 0.2 ? "*" : list(() => item(0, 59)),
      chance() < 0.2 ? "*" : hour(),
      dayOfMonth,
      months,
      everyDay() ? one("*", "*", "?") : list(dayOfWeekItem),
    ];
    if (options.seconds) {
      fields.unshift(one("0", "*", "*/10", item(0, 59), list(() => item(0, 59))));
      if (chance() < 0.2) fields.push(one("*", "1900-2100", "1900/2"));
    }
    return fields.join(" ");
  }
}
