/**
 * Fields with something else beside or in them: zones, commands, AWS' years, Jenkins' `H`.
 *
 * @module
 */
import { zoneMeantBy } from "../../zone.ts";
import { quartzWeekdays } from "../quartz_weekdays.ts";
import { type IsCron, quoted } from "./rule.ts";

const MAX_SHOWN_PARTS = 3;

/** `TZ=America/New_York 0 9 * * *` (Go, some crontabs). */
export function prefixedZone(text: string): string | null {
  const [, name, zone, rest] = /^((?:CRON_)?TZ)=["']?([^\s"';]+)["']?;?\s+(.+)$/i.exec(text) ?? [];
  if (name === undefined) return null;
  return `${name}= sets the time zone in other crons: write ${withZone(rest!, zone!)}`;
}

/** `0 9 * * * Europe/Berlin`, or the other way round. */
export function zoneBeside(text: string, isCron: IsCron): string | null {
  const fields = text.split(/\s+/);
  for (const [zone, ...rest] of [fields, [fields.at(-1)!, ...fields.slice(0, -1)]]) {
    const cron = rest.join(" ");
    if (/^[a-z]{3}/i.test(zone!) && isCron(cron) && isZone(zone!)) {
      return `a time zone is no field: write ${withZone(cron, zone!)}`;
    }
  }
  return null;
}

function isZone(text: string): boolean {
  return zoneMeantBy(text)?.isSure === true || /^[A-Z]\w+\/\w+/i.test(text);
}

function withZone(cron: string, zone: string): string {
  return `cron: ${quoted(cron)} and timezone: ${zoneMeantBy(zone)?.name ?? quoted(zone)}`;
}

/** `cron(0 10 * * ? *)` (AWS). */
export function calledByName(text: string, isCron: IsCron): string | null {
  const [, inner] = /^cron\(\s*(.*?)\s*\)$/i.exec(text) ?? [];
  if (inner === undefined) return null;
  const fields = inner.split(/\s+/);
  const cron = fields.length === 6 ? fromYearLast(fields) : inner;
  return "cron(…) is an expression of AWS, which has the year last: write " +
    (isCron(cron) ? quoted(cron) : "the fields alone, without the year");
}

/** `0 8 ? * MON-FRI *` (AWS without its `cron(…)`). */
export function yearLast(text: string, isCron: IsCron): string | null {
  const fields = text.split(/\s+/);
  if (fields.length !== 6) return null;
  // With seconds first, a `?` is the fourth or the sixth.
  const [, , third, , fifth, year] = fields;
  if (third !== "?" && fifth !== "?" && !/^\d{4}\b/.test(year!)) return null;
  const cron = fromYearLast(fields);
  return isCron(cron)
    ? "six fields begin with seconds here, and seven end with a year; for a year in the sixth, " +
      `as AWS has it, write ${quoted(cron)}`
    : null;
}

function fromYearLast(fields: readonly string[]): string {
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  const days = dayOfMonth === "?" ? quartzWeekdays(dayOfWeek!) ?? dayOfWeek : dayOfWeek;
  const five = [minute, hour, dayOfMonth, month, days]
    .map((field) => field === "?" ? "*" : field).join(" ");
  return year === "*" || year === "?" ? five : `0 ${five} ${year}`;
}

const CHOSEN = /^([HR])(?:\((\d+)-(\d+)\))?(\/\d+)?$/i;
const RANDOM = /^(\d*)~(\d*)(\/\d+)?$/;
const FIRST = ["0", "0", "1", "1", "0"];

/** `H * * * *` (Jenkins), `R 9 * * *` (croniter), `0~59 * * * *` (OpenBSD, cronie). */
export function chosenByScheduler(text: string, isCron: IsCron, problem: string): string | null {
  const fields = text.split(/\s+/);
  if (fields.length !== 5) return null;
  let by: string | undefined;
  const plain = fields.map((field, place) =>
    field.split(",").map((item) => {
      const [, letter, first, last, step] = CHOSEN.exec(item) ?? [];
      if (letter !== undefined) {
        by ??= letter.toUpperCase() === "H"
          ? "H is Jenkins' number by the hash of a name"
          : "R is a random number of croniter";
        if (step === undefined) return first ?? FIRST[place]!;
        return (first === undefined ? "*" : `${first}-${last}`) + step;
      }
      const [random, low] = RANDOM.exec(item) ?? [];
      if (random === undefined) return item;
      by ??= "~ is a random number of OpenBSD's cron";
      return low || FIRST[place]!;
    }).join()
  ).join(" ");
  if (by === undefined) return null;
  return `${problem}; ${by}: write a number${isCron(plain) ? `, such as ${quoted(plain)},` : ""} ` +
    "and jitter_seconds to spread entries";
}

/** `0 9 * * *; 0 17 * * *`. */
export function several(text: string, isCron: IsCron): string | null {
  const parts = text.replaceAll(/^\[|\]$/g, "").split(/[;|,\n]|&&|\bor\b|\band\b/)
    .map((part) => part.trim().replace(/^(["'`])(.*)\1$/, "$2"))
    .filter((part) => part !== "");
  if (parts.length < 2 || !parts.every(isCron)) return null;
  const more = parts.length > MAX_SHOWN_PARTS ? ", …" : "";
  return `${parts.length} expressions in one: write an entry for each of ` +
    parts.slice(0, MAX_SHOWN_PARTS).map(quoted).join(", ") + more;
}

/** An expression in quotes of its own. */
export function inQuotes(text: string, isCron: IsCron): string | null {
  const [, , inner] = /^(["'`])(.*)\1$/.exec(text) ?? [];
  return inner !== undefined && isCron(inner)
    ? `the quotes are a part of the text: write ${quoted(inner)}`
    : null;
}

/** `0 9 * * * root /usr/bin/backup`, `0 9 * * * # daily`: a crontab's line. */
export function command(text: string, isCron: IsCron): string | null {
  const fields = text.split(/\s+/);
  if (!/^[/.#$]/.test(fields[5] ?? "") && !/^[/.$]/.test(fields[6] ?? "")) return null;
  const cron = fields.slice(0, 5).join(" ");
  return isCron(cron)
    ? `what follows the five fields in a crontab does not stand here: write ${quoted(cron)}`
    : null;
}
