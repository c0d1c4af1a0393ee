import { describe, expect, it } from "vitest";
import { choosesUntagged } from "../retention/rule";
import { asQuestion, endOfDay, holds, kindOf, kinds, newRule, withKind } from "./rule";

const until = "2026-12-24T23:59:59Z";

describe("a rule about tags", () => {
  it("is the kind that it was made", () => {
    for (const kind of kinds) expect(kindOf(withKind(newRule(), kind, until))).toBe(kind);
  });

  it("holds until its end", () => {
    const hold = withKind(newRule(), "hold", until);
    expect(holds(hold, new Date("2026-12-24T20:00:00Z"))).toBe(true);
    expect(holds(hold, new Date("2026-12-25T00:00:00Z"))).toBe(false);
    expect(holds(newRule(), new Date())).toBe(false);
  });

  it("counts days in UTC", () => {
    expect(endOfDay("2026-12-24")).toBe(until);
    expect(endOfDay("2026-13-01")).toBe("");
    expect(endOfDay("")).toBe("");
  });

  it("asks about tags only: what has none is never protected", () => {
    for (const except_tags of [true, false])
      for (const each of asQuestion({ ...newRule(), except_tags }).tag_selectors ?? [])
        expect(choosesUntagged(each)).toBe(false);
  });
});
