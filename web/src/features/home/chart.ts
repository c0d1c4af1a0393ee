/** A point of a chart, in parts of a hundred of its width and height from its lower left corner. */
export interface Point {
  x: number;
  y: number;
}

/** The next number above a value that is easy to read: 1, 2 or 5 and zeros; of bytes a power of two. */
export function niceTop(value: number, binary = false): number {
  if (value <= 0) return 1;
  if (binary) return 2 ** Math.ceil(Math.log2(value));
  const size = 10 ** Math.floor(Math.log10(value));
  const top = [1, 2, 5, 10].find((step) => step * size >= value) ?? 10;
  return top * size;
}

/** The lines of series that lie on each other: each the sum of itself and those before it. */
export function stacked(series: number[][]): number[][] {
  let below: number[] = [];
  return series.map((values) => {
    below = values.map((value, index) => value + (below[index] ?? 0));
    return below;
  });
}

/** Where values stand: the first at the left edge, the last at the right one. One alone is a flat line. */
export function pointsOf(values: number[], top: number): Point[] {
  const all = values.length === 1 ? [...values, ...values] : values;
  const last = Math.max(all.length - 1, 1);
  return all.map((value, index) => ({ x: (index / last) * 100, y: (value / top) * 100 }));
}

/** A path along points, in a box of 100 by 100 whose upper left corner is 0, 0. */
export function linePath(points: Point[]): string {
  return points
    .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(2)} ${(100 - y).toFixed(2)}`)
    .join("");
}

/** A path around what is between two lines; nothing below stands for the ground. */
export function areaPath(above: Point[], below?: Point[]): string {
  const [first] = above;
  const end = above.at(-1);
  if (!first || !end) return "";
  const back = below
    ? [...below].reverse()
    : [
        { x: end.x, y: 0 },
        { x: first.x, y: 0 },
      ];
  return `${linePath(above)}${linePath(back).replace("M", "L")}Z`;
}

/** What came each day of what is counted all the time; less than before is none. */
export function daily(totals: number[]): number[] {
  return totals.slice(1).map((total, index) => Math.max(total - (totals[index] ?? total), 0));
}
