import { describe, expect, it } from "vitest";
import { readBanner } from "./banner";

describe("a banner", () => {
  const now = new Date(2026, 10, 30, 12);
  const harbor = (fields: object) => readBanner(JSON.stringify(fields), now);

  it("may be a plain text", () => {
    expect(readBanner(" Closed on Sunday ", now)).toEqual({
      message: "Closed on Sunday",
      tone: "info",
      closable: true,
    });
    expect(readBanner("{not JSON", now)?.message).toBe("{not JSON");
  });

  it("may be nothing", () => {
    for (const text of [undefined, null, "", "  ", "{}", '{"message":" "}']) {
      expect(readBanner(text, now)).toBeUndefined();
    }
  });

  it("is as Harbor's pages write it", () => {
    expect(harbor({ message: "Soon", type: "danger", closable: false })).toEqual({
      message: "Soon",
      tone: "danger",
      closable: false,
    });
    expect(harbor({ message: "Soon", type: "<b>" })?.tone).toBe("info");
  });

  it("is shown on its days only, both included", () => {
    const days = (fromDate: string, toDate: string) =>
      harbor({ message: "Soon", fromDate, toDate });
    expect(days("11/30/2026", "11/30/2026")).toBeDefined();
    expect(days("12/01/2026", "12/31/2026")).toBeUndefined();
    expect(days("11/01/2026", "11/29/2026")).toBeUndefined();
    expect(days("", "11/30/2026")).toBeDefined();
  });
});
