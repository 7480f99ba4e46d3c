/** Blocks of eighths, and characters in place of them for terminals with ASCII only. */
const BLOCKS = " ▁▂▃▄▅▆▇█";
const ASCII = " .:-=+*#%";

export interface DayBarOptions {
  /** Returns the minutes past midnight, in the zone of the scale, at which a cell begins. */
  startOf(quarter: number): number;
  /** The zone of the scale. */
  zone: string;
  /** True where the terminal shows more than ASCII. */
  isUnicode: boolean;
}

/**
 * Draws counts per quarter of an hour as one line of 96 cells, with a scale of hours below.
 *
 * @param counts 96 of them
 */
export function dayBar(counts: readonly number[], options: DayBarOptions): string[] {
  const { startOf, zone, isUnicode } = options;
  const ramp = isUnicode ? BLOCKS : ASCII;
  const most = Math.max(...counts);
  const steps = ramp.length - 1;
  // A single firing is visible beside a thousand.
  const cell = (count: number) => ramp[count === 0 ? 0 : Math.ceil(count / most * steps)]!;
  const hours: string[] = [];
  for (let quarter = 0; quarter < counts.length; quarter++) {
    const minutes = startOf(quarter);
    const hour = Math.floor(minutes / 60);
    const isHour = minutes % 60 < 15 && hour % 3 === 0;
    hours.push(isHour ? String(hour).padStart(2, "0") : " ");
  }
  // A label takes the place of the cell after it.
  let scale = "";
  for (const [quarter, label] of hours.entries()) {
    if (scale.length <= quarter) scale += label;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  return [
    counts.map(cell).join(""),
    scale.trimEnd(),
    `firings per quarter of an hour, hours of ${zone}: ${total} in all, at most ${most}`,
  ];
}
