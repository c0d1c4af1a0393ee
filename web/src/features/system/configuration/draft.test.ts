import { describe, expect, it } from "vitest";
import { isCron, planOf, scheduleOf } from "../parts/schedule";
import { bytesOf, sizeOf } from "../parts/size";
import { changesOf, draftOf } from "./draft";
import { quotaSettings, trashSettings } from "./settings";

const now = {
  trash_days: { value: 7, editable: true },
  trash_in_quota: { value: false, editable: true },
};

describe("settings", () => {
  it("send only what differs", () => {
    const draft = draftOf(trashSettings, now);
    expect(changesOf(trashSettings, now, draft)).toEqual({});
    expect(changesOf(trashSettings, now, { ...draft, trash_days: "30" })).toEqual({
      trash_days: 30,
    });
  });

  it.each(["", "366", "-1", "1.5", "x"])("don't send %j days", (text) =>
    expect(
      changesOf(trashSettings, now, { ...draftOf(trashSettings, now), trash_days: text }),
    ).toBe(undefined),
  );

  it("leave alone what is fixed from outside", () => {
    const fixed = { ...now, trash_days: { value: 7, editable: false } };
    const draft = { ...draftOf(trashSettings, fixed), trash_days: "30" };
    expect(changesOf(trashSettings, fixed, draft)).toEqual({});
  });

  it("have no limit by default", () =>
    expect(draftOf(quotaSettings, {}).storage_per_project).toEqual({ amount: "", unit: "GiB" }));
});

describe("sizes", () => {
  it.each([
    [-1, "", "GiB"],
    [20 * 2 ** 30, "20", "GiB"],
    [2 ** 40, "1", "TiB"],
    [1_572_864, "1.5", "MiB"],
  ])("%d", (bytes, amount, unit) => {
    expect(sizeOf(bytes)).toEqual({ amount, unit });
    expect(bytesOf(sizeOf(bytes))).toBe(bytes);
  });

  it("take a comma, and no words", () => {
    expect(bytesOf({ amount: "1,5", unit: "GiB" })).toBe(1.5 * 2 ** 30);
    expect(bytesOf({ amount: "much", unit: "GiB" })).toBeUndefined();
    expect(bytesOf({ amount: "0", unit: "GiB" })).toBeUndefined();
  });
});

describe("schedules", () => {
  it("come and go as the API has them", () => {
    expect(scheduleOf(planOf({ type: "Daily", cron: "0 0 0 * * *" }))).toEqual({
      type: "Daily",
      cron: "0 0 0 * * *",
    });
    expect(scheduleOf(planOf(undefined))).toEqual({ type: "None" });
    expect(planOf({ type: "Schedule", cron: "0 1 2 * * *" }).kind).toBe("Custom");
  });

  it("have six fields", () => {
    expect(isCron("0 30 3 * * 1-5")).toBe(true);
    expect(isCron("30 3 * * *")).toBe(false);
    expect(isCron("5 30 3 * * *")).toBe(false);
  });
});
