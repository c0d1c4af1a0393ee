import { describe, expect, it } from "vitest";
import { formatAgo, formatBytes, formatExact, formatNumber, isNever, shortDigest } from "./format";

describe("sizes", () => {
  it.each([
    [0, "0 B"],
    [1023, "1,023 B"],
    [1024, "1 KiB"],
    [9_961_472, "9.5 MiB"],
    [20 * 2 ** 30, "20 GiB"],
    [2 ** 70, "1,048,576 PiB"],
  ])("%d", (bytes, text) => expect(formatBytes(bytes, "en")).toBe(text));

  it("follow the language", () => expect(formatBytes(9_961_472, "de")).toBe("9,5 MiB"));
});

describe("numbers", () => {
  it("have separators, as the language has them", () => {
    expect(formatNumber(10_409, "en")).toBe("10,409");
    expect(formatNumber(10_409, "de")).toBe("10.409");
    expect(formatNumber(7, "en")).toBe("7");
  });
});

describe("digests", () => {
  it("shorten in the middle", () => {
    expect(shortDigest(`sha256:4fbc2a${"0".repeat(54)}5b5d`)).toBe("sha256:4fbc2a…5b5d");
    expect(shortDigest("v1.2.3")).toBe("v1.2.3");
  });
});

describe("times", () => {
  const now = new Date("2026-11-23T12:00:00Z");
  it.each([
    ["2026-11-23T11:59:30Z", "now"],
    ["2026-11-23T11:58:59Z", "1 minute ago"],
    ["2026-11-23T09:00:00Z", "3 hours ago"],
    ["2026-11-23T10:20:00Z", "2 hours ago"],
    ["2026-11-22T12:00:00Z", "yesterday"],
    ["2026-11-23T12:01:29Z", "in 1 minute"],
    ["2026-11-23T14:59:00Z", "in 3 hours"],
    ["2026-11-30T11:55:00Z", "in 7 days"],
    ["2025-11-22T12:00:00Z", "last year"],
  ])("%s", (time, text) => expect(formatAgo(new Date(time), now, "en")).toBe(text));

  it("are exact in UTC", () => {
    expect(formatExact(now, "en", true)).toContain("12:00:00 PM UTC");
  });

  it("know the year that means never", () => {
    expect(isNever("0001-01-01T00:00:00.000Z")).toBe(true);
    expect(isNever(undefined)).toBe(true);
    expect(isNever("2026-11-23T12:00:00Z")).toBe(false);
  });
});
