/**
 * Texts without fields: words, intervals, times of day, dates.
 *
 * @module
 */
import { nearest } from "../../../internal/suggestion.ts";
import { type IsCron, quoted } from "./rule.ts";

const OFF =
  /^(?:-|off|no|none|null|false|never|manual(?:ly)?|by hand|on demand|n\/a|disabled?|paused?|suspended|inactive)$/i;

export function turnedOff(text: string): string | null {
  return OFF.test(text)
    ? `${quoted(text)} names no time: keep an expression and write enabled: false beside it; ` +
      "`fire NAME` still dispatches such an entry by hand"
    : null;
}

/** Words for expressions. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["secondly", "* * * * * *"],
  ["second", "* * * * * *"],
  ["minutely", "* * * * *"],
  ["minute", "* * * * *"],
  ["hourly", "@hourly"],
  ["hour", "@hourly"],
  ["daily", "@daily"],
  ["day", "@daily"],
  ["nightly", "@daily"],
  ["night", "@daily"],
  ["midnight", "@midnight"],
  ["noon", "0 12 * * *"],
  ["weekdays", "0 0 * * MON-FRI"],
  ["weekday", "0 0 * * MON-FRI"],
  ["weekends", "0 0 * * SAT,SUN"],
  ["weekly", "@weekly"],
  ["week", "@weekly"],
  ["monthly", "@monthly"],
  ["month", "@monthly"],
  ["quarterly", "0 0 1 */3 *"],
  ["quarter", "0 0 1 */3 *"],
  ["semiannually", "0 0 1 */6 *"],
  ["yearly", "@yearly"],
  ["annually", "@yearly"],
  ["year", "@yearly"],
]);

/** `daily`, `every minute`, `@every_minute` (FreeBSD), `quarterly` (systemd). */
export function word(text: string): string | null {
  const [, at, plain] = /^(@?)(?:(?:every|each)[ _])?([a-z]+)$/i.exec(text) ?? [];
  if (plain === undefined) return null;
  const key = plain.toLowerCase();
  if (["reboot", "boot", "startup", "start"].includes(key) && text.toLowerCase() !== "@reboot") {
    return `${text} names no time; run_on_start: true fires at the start`;
  }
  // What is misspelt after an @ is compared with the nicknames themselves.
  const meant = WORDS.has(key) || at === "@" ? key : nearest(key, [...WORDS.keys()]) ?? key;
  const cron = WORDS.get(meant);
  return cron === undefined ? null : `${text} is no expression of cron: write ${quoted(cron)}`;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const PART =
  /(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)(?![a-z])\s*/iy;

/** Returns the seconds of a duration such as `1h30m` (Go), `5 minutes` or `PT5M`; null for none, and for 0. */
function secondsOf(duration: string): number | null {
  if (/^P\d+M/i.test(duration)) return null; // months
  const parts = duration.replace(/^P((?:\d+[WD])*)T?(?=\d|$)/i, "$1")
    .replaceAll(/([a-z])(?=\d)/gi, "$1 ");
  let seconds = 0;
  for (PART.lastIndex = 0; PART.lastIndex < parts.length;) {
    const [, count, unit] = PART.exec(parts) ?? [];
    if (unit === undefined) return null;
    seconds += Number(count) *
      (/^(?:ms|milli)/i.test(unit) ? 0.001 : UNITS[unit[0]!.toLowerCase()]!);
  }
  return Number(seconds.toFixed(3)) || null; // no interval is 0
}

/** `@every 5m` (Go), `rate(5 minutes)` (AWS), `every 5 minutes`, `PT5M`, `5m`. */
export function interval(text: string): string | null {
  const [, by, call, inner, plain] = /^(?:(@?every)\s+|(rate)\((.*)\)$)?(.*)$/is.exec(text) ?? [];
  const seconds = secondsOf((inner ?? plain ?? "").trim());
  const isEvery = by?.startsWith("@");
  if (seconds === null && !isEvery && call === undefined) return null;
  const what = call !== undefined
    ? "rate(…) is an interval of AWS"
    : isEvery
    ? "@every is an interval of Go's cron"
    : `${quoted(text)} is an interval`;
  return `${what}: write interval_seconds${
    seconds === null ? "" : `: ${seconds}`
  } in place of cron`;
}

/** `09:30`, `9am`, `Mon..Fri *-*-* 09:30:00` (systemd). */
export function timeOfDay(text: string, isCron: IsCron): string | null {
  const [, days, , hour, minute = "0", half] =
    /^(?:(?:every day |daily )?at )?(?:([a-z]{3,9}(?:(?:\.\.|[-,])[a-z]{3,9})*) )?(\*-\*-\* )?(\d{1,2})(?::(\d\d))?(?::\d\d)? ?(am|pm)?$/i
      .exec(text) ?? [];
  if (hour === undefined || !/:|m$/i.test(text)) return null;
  const inDay = half === undefined
    ? Number(hour)
    : Number(hour) % 12 + (half.toLowerCase() === "pm" ? 12 : 0);
  const dayOfWeek = days === undefined
    ? "*"
    : days.replaceAll("..", "-").replaceAll(/[a-z]+/gi, (name) => name.slice(0, 3).toUpperCase());
  const cron = `${Number(minute)} ${inDay} * * ${dayOfWeek}`;
  return isCron(cron) ? `a time of day is no expression of cron: write ${quoted(cron)}` : null;
}

/** `2026-12-24T09:30:00`, `at(2026-12-24T09:30:00)` (AWS). */
export function date(text: string, isCron: IsCron): string | null {
  const [, day, time = "00:00", offset] =
    /^(?:at\()?(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?\)?$/i
      .exec(text) ?? [];
  if (day === undefined) return null;
  const at = new Date(`${day}T${time}${offset ?? "Z"}`);
  if (Number.isNaN(at.getTime())) return null;
  const cron = [
    ...[at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate()],
    ...[at.getUTCMonth() + 1, "*", at.getUTCFullYear()],
  ].join(" ");
  return isCron(cron)
    ? `a date is not a cron expression; what fires once has a year: write ${quoted(cron)}` +
      (offset === undefined ? "" : " and timezone: UTC")
    : null;
}
