import { describe, expect, it } from "vitest";
import { dayOf, endOf, namesIn } from "./names";

describe("an allowlist", () => {
  it("takes names between commas, blanks and lines, each once", () =>
    expect(namesIn("CVE-2024-1, CVE-2024-2\nCVE-2024-1 GHSA-x")).toEqual([
      "CVE-2024-1",
      "CVE-2024-2",
      "GHSA-x",
    ]));

  it("ends with a day", () => {
    expect(dayOf(endOf("2027-01-31"))).toBe("2027-01-31");
    expect(endOf("")).toBeUndefined();
    expect(dayOf(null)).toBe("");
  });
});
