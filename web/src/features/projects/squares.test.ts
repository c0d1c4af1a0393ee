import { expect, it } from "vitest";
import { treemap } from "./squares";

const area = ({ width, height }: { width: number; height: number }) => width * height;

it("fills the area in proportion", () => {
  const rects = treemap([6, 6, 4, 3, 2, 2, 1], 600, 400);
  expect(rects).toHaveLength(7);
  expect(rects.map((rect) => Math.round(area(rect)))).toEqual([
    60000, 60000, 40000, 30000, 20000, 20000, 10000,
  ]);
  for (const { x, y, width, height } of rects) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(x + width).toBeLessThanOrEqual(600.001);
    expect(y + height).toBeLessThanOrEqual(400.001);
    expect(Math.max(width / height, height / width)).toBeLessThan(4);
  }
});

it("gives one the whole, and nothing where there is nothing", () => {
  expect(treemap([5], 100, 50)).toEqual([{ x: 0, y: 0, width: 100, height: 50 }]);
  expect(treemap([], 100, 50)).toEqual([]);
  expect(treemap([5], 0, 50)).toEqual([]);
});
