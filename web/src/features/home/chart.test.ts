import { describe, expect, it } from "vitest";
import { areaPath, daily, linePath, niceTop, pointsOf, stacked } from "./chart";

describe("a chart", () => {
  it("ends at a number that is easy to read", () => {
    expect([0, 1, 3, 12, 50, 51, 999].map((value) => niceTop(value))).toEqual([
      1, 1, 5, 20, 50, 100, 1000,
    ]);
    expect(niceTop(1000, true)).toBe(1024);
  });

  it("lays series on each other", () => {
    expect(
      stacked([
        [1, 2],
        [3, 0],
      ]),
    ).toEqual([
      [1, 2],
      [4, 2],
    ]);
  });

  it("draws from edge to edge", () => {
    const points = pointsOf([0, 5, 10], 10);
    expect(linePath(points)).toBe("M0.00 100.00L50.00 50.00L100.00 0.00");
    expect(areaPath(points)).toBe(
      "M0.00 100.00L50.00 50.00L100.00 0.00L100.00 100.00L0.00 100.00Z",
    );
    expect(areaPath([])).toBe("");
    expect(linePath(pointsOf([5], 10))).toBe("M0.00 50.00L100.00 50.00");
  });

  it("counts what came each day, and nothing where a repository went", () => {
    expect(daily([10, 15, 3, 4])).toEqual([5, 0, 1]);
  });
});
