import { printable } from "../internal/printable.ts";

/**
 * Returns rows under their headings, in columns two spaces apart; numbers are aligned to the right.
 */
export function table(headings: readonly string[], rows: readonly string[][]): string[] {
  const all = [headings, ...rows].map((row) => row.map(printable));
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => [...row[column]!].length))
  );
  const isNumber = headings.map((_, column) =>
    rows.length > 0 && rows.every((row) => /^\d+$/.test(row[column]!))
  );
  return all.map((row) =>
    row.map((cell, column) => {
      const gap = " ".repeat(widths[column]! - [...cell].length);
      return isNumber[column] ? gap + cell : cell + gap;
    }).join("  ").trimEnd()
  );
}
