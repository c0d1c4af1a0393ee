import { describe, expect, it } from "vitest";
import type { Artifact } from "../artifacts/queries";
import { cvesIn, dayOf, endOfDay } from "./cves";
import { effectOf, stateOf } from "./effect";
import type { Outcomes } from "./queries";

const outcomes: Outcomes = {
  never_scanned: "block",
  pending: "block",
  failed: "allow",
  not_evaluated: "allow",
};

function image(report?: object): Artifact {
  return {
    type: "IMAGE",
    references: [],
    tags: [],
    labels: [],
    accessories: [],
    ...(report && { scan_overview: { "application/vnd": { duration: 0, ...report } } }),
  } as Artifact;
}

const found = (summary: Record<string, number>, excused = summary) => ({
  scan_status: "Success",
  evaluated: "wholly",
  summary: { total: 1, fixable: 0, summary },
  counted_summary: { total: 1, fixable: 0, summary: excused },
});

describe("what becomes of an image", () => {
  it.each([
    ["no report", image(), "never_scanned"],
    ["worse than the threshold", image(found({ Critical: 1 })), "vulnerable"],
    ["less bad", image(found({ Medium: 3 })), "clean"],
    ["excused", image(found({ Critical: 1 }, {})), "clean"],
    ["waits", image({ scan_status: "Pending", evaluated: "not" }), "pending"],
    ["failed", image({ scan_status: "Error", evaluated: "not" }), "failed"],
    ["half read", image({ scan_status: "Error", evaluated: "partly" }), "not_evaluated"],
    ["no image", { ...image(), type: "CHART" }, undefined],
  ])("%s", (_, artifact, state) => expect(stateOf(artifact, "high")).toBe(state));

  it("is told of those that can be run", () => {
    const all = [
      image(),
      image(found({ High: 1 })),
      image({ scan_status: "Error" }),
      { ...image(), type: "CHART" },
    ];
    const effect = effectOf(all, "high", outcomes);
    expect([effect.judged, effect.blocked.length]).toEqual([3, 2]);
  });
});

describe("an allowlist", () => {
  it("takes names from any text, each once", () => {
    const text = "cve-2024-1234, CVE-2024-1234;\nGHSA-aaaa-bbbb-cccc and CVE-2020-1";
    expect(cvesIn(text, ["CVE-2020-1"])).toEqual(["CVE-2024-1234", "GHSA-aaaa-bbbb-cccc"]);
  });

  it("ends with a day", () => {
    expect(dayOf(endOfDay("2030-02-28"))).toBe("2030-02-28");
    expect(endOfDay("")).toBeNull();
    expect(dayOf(null)).toBe("");
  });
});
