export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** How far from a square the worst rectangle of a row is, whose sides add up along `side`. */
function worst(row: number[], side: number): number {
  const sum = row.reduce((all, each) => all + each, 0);
  const thick = sum / side;
  return Math.max(...row.map((each) => Math.max(thick ** 2 / each, each / thick ** 2)));
}

/** Lays a row along the shorter side of what is left, and says what is left then. */
function lay(row: number[], left: Rect): { placed: Rect[]; rest: Rect } {
  const sum = row.reduce((all, each) => all + each, 0);
  const upright = left.width >= left.height;
  const thick = sum / (upright ? left.height : left.width);
  let at = upright ? left.y : left.x;
  const placed = row.map((each) => {
    const long = each / thick;
    const rect = upright
      ? { x: left.x, y: at, width: thick, height: long }
      : { x: at, y: left.y, width: long, height: thick };
    at += long;
    return rect;
  });
  const rest = upright
    ? { ...left, x: left.x + thick, width: left.width - thick }
    : { ...left, y: left.y + thick, height: left.height - thick };
  return { placed, rest };
}

/**
 * Rectangles as large as the values, which descend and are above 0, that fill an area and are as
 * square as may be: rows along the shorter side of what is left, each as long as that makes it better.
 */
export function treemap(values: number[], width: number, height: number): Rect[] {
  const total = values.reduce((all, each) => all + each, 0);
  if (total <= 0 || width <= 0 || height <= 0) return [];
  const areas = values.map((value) => (value / total) * width * height);
  const placed: Rect[] = [];
  let left: Rect = { x: 0, y: 0, width, height };
  let row: number[] = [];
  for (const area of areas) {
    const side = Math.min(left.width, left.height);
    if (row.length > 0 && worst([...row, area], side) > worst(row, side)) {
      const done = lay(row, left);
      placed.push(...done.placed);
      left = done.rest;
      row = [];
    }
    row.push(area);
  }
  placed.push(...lay(row, left).placed);
  return placed;
}
