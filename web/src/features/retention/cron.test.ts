import { describe, expect, it } from "vitest";
import { nextRuns, parseCron } from "./cron";

const from = new Date("2026-11-30T04:30:00Z"); // a Monday

function runs(text: string, count = 2): string[] {
  const cron = parseCron(text);
  return cron ? nextRuns(cron, from, count).map((time) => time.toISOString().slice(0, 16)) : ["no"];
}

describe("cron", () => {
  it("tells the next runs", () => {
    expect(runs("0 0 * * * *")).toEqual(["2026-11-30T05:00", "2026-11-30T06:00"]);
    expect(runs("0 0 0 * * *")).toEqual(["2026-12-01T00:00", "2026-12-02T00:00"]);
    expect(runs("0 0 0 * * 0")).toEqual(["2026-12-06T00:00", "2026-12-13T00:00"]);
    expect(runs("0 */20 4 * * *")).toEqual(["2026-11-30T04:40", "2026-12-01T04:00"]);
    expect(runs("0 15 3 1 jan,jul ?")).toEqual(["2027-01-01T03:15", "2027-07-01T03:15"]);
    expect(runs("0 0 9-17/4 * * mon-fri", 3)).toEqual([
      "2026-11-30T09:00",
      "2026-11-30T13:00",
      "2026-11-30T17:00",
    ]);
  });

  it("takes either, where the day of the month and of the week are both given", () => {
    expect(runs("0 0 0 2 * 6", 3)).toEqual([
      "2026-12-02T00:00",
      "2026-12-05T00:00",
      "2026-12-12T00:00",
    ]);
  });

  it("knows what is no schedule", () => {
    const bad = [
      "",
      "* * * * *",
      "5 * * * * *",
      "0 60 * * * *",
      "0 0 0 * * 7",
      "0 0 0 5-2 * *",
      "0 0 x * * *",
    ];
    for (const text of bad) expect(parseCron(text), text).toBeUndefined();
  });

  it("knows a day that never comes", () => {
    expect(runs("0 0 0 30 2 *")).toEqual([]);
  });
});
