import { expect, it } from "vitest";
import { heldRows } from "./ManyRows";

const seen = (startIndex: number, count = 10_000) => ({
  startIndex,
  endIndex: Math.min(count - 1, startIndex + 17),
  overscan: 0,
  count,
});

it("has every row in sight, and some beyond, wherever somebody is", () => {
  const near = heldRows();
  for (const at of [0, 1, 5, 40, 41, 39, 5000, 4990, 9982, 9990, 0]) {
    const { startIndex, endIndex, count } = seen(at);
    const rows = near(seen(at));
    expect(rows[0]).toBeLessThanOrEqual(Math.max(0, startIndex - 6));
    expect(rows.at(-1)).toBeGreaterThanOrEqual(Math.min(count - 1, endIndex + 6));
    expect(rows.length).toBeLessThanOrEqual(18 + 6 * 6);
    expect(rows).toEqual(rows.map((_, n) => (rows[0] ?? 0) + n));
  }
});

it("changes rows once in seven that pass, not with each", () => {
  const near = heldRows();
  const made = new Set<number[]>();
  for (let at = 100; at < 170; at++) made.add(near(seen(at)));
  expect(made.size).toBe(10);
});

it("follows a list that becomes shorter or longer", () => {
  const near = heldRows();
  near(seen(9982));
  expect(near(seen(0, 3))).toEqual([0, 1, 2]);
  expect(near(seen(0, 0))).toEqual([]);
  expect(near(seen(0)).at(-1)).toBe(29);
});
