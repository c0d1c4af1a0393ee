import { expect, it } from "vitest";
import { bytesOf, typedOf } from "./limit";

it.each([
  ["10", "GiB", 10 * 2 ** 30],
  [" 1,5 ", "MiB", 1.5 * 2 ** 20],
  ["1024", "TiB", 2 ** 50],
  ["1025", "TiB", undefined],
  ["0", "GiB", undefined],
  ["-1", "GiB", undefined],
  ["", "GiB", undefined],
  ["ten", "GiB", undefined],
] as const)("%s %s is %s bytes", (amount, unit, bytes) => {
  expect(bytesOf({ unlimited: false, amount, unit })).toBe(bytes);
});

it("has no limit", () => {
  expect(bytesOf({ unlimited: true, amount: "", unit: "GiB" })).toBe(-1);
  expect(typedOf(-1).unlimited).toBe(true);
});

it.each([
  [10 * 2 ** 30, "10", "GiB"],
  [2 ** 40, "1", "TiB"],
  [512 * 2 ** 20, "512", "MiB"],
  [1000, "0.001", "MiB"],
])("shows %s bytes as %s %s", (bytes, amount, unit) => {
  expect(typedOf(bytes)).toEqual({ unlimited: false, amount, unit });
});
