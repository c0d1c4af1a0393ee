import { describe, expect, it } from "vitest";
import { queryOf, readFilter } from "./filter";

const now = new Date("2026-01-08T12:00:00Z");
const q = (text: string, labels: number[] = [], untagged = false) =>
  queryOf(readFilter(text, now), labels, untagged);

describe("a filter text", () => {
  it.each([
    ["", "tags=*"],
    ["1.0", "tags=~1.0"],
    ["rc build+1", "tags=~rc,tags=~build%2B1"],
    ["type:image", "type=IMAGE,tags=*"],
    ["signed:no", "signed=false,tags=*"],
    ["signed:yes rc", "signed=true,tags=~rc"],
    ["tagged:no", "tags=nil"],
    ["pushed:<7d", `push_time=[${encodeURIComponent("2026-01-01T12:00:00")}~],tags=*`],
    ["pulled:>2h", `pull_time=[~${encodeURIComponent("2026-01-08T10:00:00")}],tags=*`],
    ["digest:sha256:ab12", "digest=~ab12"],
  ])("%s is asked for as %s", (text, wanted) => expect(q(text)).toBe(wanted));

  it("knows labels by their numbers", () => {
    expect(readFilter("label:production label:x", now).labels).toEqual(["production", "x"]);
    expect(q("label:production", [4, 7], true)).toBe("labels=(4 7)");
  });

  it("names what it doesn't understand", () => {
    const { unknown, parts } = readFilter("severity:high signed:maybe pushed:7d", now);
    expect(unknown).toEqual(["severity:high", "signed:maybe", "pushed:7d"]);
    expect(parts).toEqual([]);
  });
});
