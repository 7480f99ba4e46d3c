export type Cell = string | number | null;

/** Prints a table in Markdown; numbers are aligned right, with three significant digits. */
export function printTable(title: string, columns: readonly string[], rows: readonly Cell[][]) {
  const texts = [columns, ...rows.map((row) => row.map(shown))];
  const isNumber = columns.map((_, column) => rows.some((row) => typeof row[column] === "number"));
  const widths = columns.map((_, column) =>
    Math.max(3, ...texts.map((row) => row[column]!.length))
  );
  const pad = (text: string, column: number) =>
    isNumber[column] ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    isNumber[column] ? "-".repeat(width - 1) + ":" : "-".repeat(width)
  );
  console.log(`\n${title}\n`);
  for (const each of [texts[0]!, rule, ...texts.slice(1)]) console.log(line(each));
}

function shown(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "string") return cell;
  if (Math.abs(cell) >= 100) return Math.round(cell).toLocaleString("en");
  return String(Number(cell.toPrecision(3)));
}

/** The `share` quantile of `values`, which it sorts. */
export function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(Math.floor(values.length * share), values.length - 1)] ?? NaN;
}
