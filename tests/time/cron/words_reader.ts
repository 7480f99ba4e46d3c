/**
 * Reads the words of an expression back, by what they mean in English. It knows nothing of cron, and
 * shares nothing with lib/time.
 *
 * @module
 */

/** What the words name: seconds of a day, and days. */
export interface Named {
  readonly times: Set<number>;
  isDay(date: Date): boolean;
}

type Test = (date: Date) => boolean;

const MONTHS =
  "January February March April May June July August September October November December"
    .split(" ");
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const ORDINALS = "first second third fourth fifth".split(" ");
const LENGTHS = new Map([["second", 1], ["minute", 60], ["hour", 3600]]);

/** Reads the words, and throws where they are not those that the tests expect. */
export function readWords(words: string): Named {
  const [time = "", ...clauses] = words.split(
    /, (?=on |or |only |every day|[A-Z][a-z]+day through [A-Z][a-z]+day(?:,|$))/,
  );
  const only = clauses.filter((clause) => clause.startsWith("only "));
  const days = clauses.filter((clause) => !clause.startsWith("only "));
  days.forEach((clause, index) => {
    if (clause.startsWith("or ") !== (index > 0)) throw new Error(`"${clause}" in "${words}"`);
  });
  const dayTests = days.map(dayTest);
  const onlyTests = only.map(onlyTest);
  return {
    times: timesNamed(time),
    isDay: (date) =>
      (dayTests.length === 0 || dayTests.some((isDay) => isDay(date))) &&
      onlyTests.every((isDay) => isDay(date)),
  };
}

function timesNamed(words: string): Set<number> {
  const all = Array.from({ length: 86_400 }, (_, time) => time);
  const seconds = (clock: string) => {
    const [hour = 0, minute = 0, second = 0] = clock.split(":").map(Number);
    return hour * 3600 + minute * 60 + second;
  };
  if (/^At \d\d:/.test(words)) return new Set(listOf(words.slice(3)).map(seconds));

  const every = /^Every (?:(\d+) )?(second|minute|hour)s?(?: from (\S+) through (\S+))?/.exec(
    words,
  );
  const parts = words.slice(every?.[0].length ?? 0).split(/ in | of |^At /).filter((part) => part);
  let times: number[];
  if (every) {
    const [, count = "1", unit = "", from = "00:00", through = "23:59:59"] = every;
    const gap = Number(count) * LENGTHS.get(unit)!;
    const [first, last] = [seconds(from), seconds(through)];
    times = all.filter((time) => time >= first && time <= last && (time - first) % gap === 0);
  } else {
    times = parts[0]!.startsWith("second") ? all : all.filter((time) => time % 60 === 0);
  }
  for (const part of parts) {
    if (/^every (minute|hour)$/.test(part)) continue;
    const [, unit = "", list = ""] = /^(second|minute|hour)s? (\d.*)$/.exec(part) ??
      fail(part, words);
    const values = numbersOf(list);
    const length = LENGTHS.get(unit)!;
    times = times.filter((time) => values.has(Math.floor(time / length) % 60));
  }
  return new Set(times);
}

function dayTest(words: string): Test {
  if (words === "every day") return () => true;
  const items = listOf(words.replace(/^or /, "").replace(/^on /, "").replace(/ of the month$/, ""));
  const tests = items.map((item) => dayItemTest(item.replace(/^days? /, ""), words));
  return (date) => tests.some((isDay) => isDay(date));
}

function dayItemTest(item: string, words: string): Test {
  if (/^\d/.test(item)) {
    const days = numbersOf(item);
    return (date) => days.has(date.getUTCDate());
  }
  if (item === "the last day") return (date) => date.getUTCDate() === lengthOf(date);
  const isWorkday = (date: Date) => date.getUTCDay() % 6 !== 0;
  const moved = (date: Date, days: number) => new Date(date.getTime() + days * 86_400_000);
  if (item === "the last weekday") {
    return (date) => {
      const rest = Array.from({ length: lengthOf(date) - date.getUTCDate() }, (_, n) => n + 1);
      return isWorkday(date) && !rest.some((days) => isWorkday(moved(date, days)));
    };
  }
  const [, nearest] = /^the weekday nearest day (\d+)$/.exec(item) ?? [];
  if (nearest !== undefined) {
    return (date) => {
      const last = lengthOf(date);
      const wanted = Number(nearest);
      const found = [0, -1, 1, -2, 2].map((move) => wanted + move).find((day) =>
        day >= 1 && day <= last && isWorkday(moved(date, day - date.getUTCDate()))
      );
      return wanted <= last && date.getUTCDate() === found;
    };
  }
  const [, which, weekday] = /^the (\w+) (\w+day)$/.exec(item) ?? [];
  if (which !== undefined && weekday !== undefined) {
    return (date) =>
      date.getUTCDay() === WEEKDAYS.indexOf(weekday) &&
      (which === "last"
        ? date.getUTCDate() + 7 > lengthOf(date)
        : Math.ceil(date.getUTCDate() / 7) === ORDINALS.indexOf(which) + 1);
  }
  const [first = "", last = first] = item.split(" through ");
  if (!WEEKDAYS.includes(first) || !WEEKDAYS.includes(last)) fail(item, words);
  const named = WEEKDAYS.map((_, day) => (WEEKDAYS.indexOf(first) + day) % 7);
  const days = named.slice(0, named.indexOf(WEEKDAYS.indexOf(last)) + 1);
  return (date) => days.includes(date.getUTCDay());
}

function onlyTest(words: string): Test {
  const [, gap, from, through] = /^only every (\d+) years from (\d+) through (\d+)$/.exec(words) ??
    [];
  const year = (date: Date) => date.getUTCFullYear();
  if (gap !== undefined) {
    return (date) =>
      year(date) >= Number(from) && year(date) <= Number(through) &&
      (year(date) - Number(from)) % Number(gap) === 0;
  }
  const list = words.replace(/^only (in|from) /, "").replace(/(\d) on$/, "$1 through 9999");
  if (/^\d/.test(list)) {
    const years = numbersOf(list);
    return (date) => years.has(year(date));
  }
  const months = listOf(list).flatMap((item) => {
    const [first = "", last = first] = item.split(" through ");
    if (!MONTHS.includes(first) || !MONTHS.includes(last)) fail(item, words);
    const all = MONTHS.map((_, month) => (MONTHS.indexOf(first) + month) % 12);
    return all.slice(0, all.indexOf(MONTHS.indexOf(last)) + 1);
  });
  return (date) => months.includes(date.getUTCMonth());
}

const listOf = (words: string) => words.split(/, | and /);

function numbersOf(words: string): Set<number> {
  return new Set(
    listOf(words).flatMap((item) => {
      const [first = NaN, last = first] = item.split(" through ").map(Number);
      if (!(last >= first)) fail(item, words);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    }),
  );
}

function lengthOf(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function fail(part: string, words: string): never {
  throw new Error(`cannot read "${part}" in "${words}"`);
}
