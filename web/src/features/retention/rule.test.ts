import { describe, expect, it } from "vitest";
import {
  choosesUntagged,
  newRule,
  numberOf,
  sameRules,
  tagChoice,
  withRepositories,
  withTags,
  withTemplate,
} from "./rule";

describe("a retention rule", () => {
  it("takes the number that the server takes where none is given", () => {
    expect(numberOf({ template: "latestPushedK" })).toBe(10);
    expect(numberOf({ template: "nDaysSinceLastPull", params: {} })).toBe(30);
    expect(numberOf({ template: "lastXDays" })).toBe(10);
    expect(numberOf({ template: "latestPushedK", params: { latestPushedK: 0 } })).toBe(0);
  });

  it("chooses what has no tag without a word, and as extras say", () => {
    expect(choosesUntagged({ decoration: "matches" })).toBe(true);
    expect(choosesUntagged({ decoration: "matches", extras: '{"untagged":false}' })).toBe(false);
    expect(choosesUntagged({ decoration: "excludes", extras: '{"untagged":true}' })).toBe(false);
    expect(choosesUntagged({ decoration: "excludes", extras: '{"untagged":false}' })).toBe(true);
    expect(choosesUntagged({ decoration: "matches", extras: "no JSON" })).toBe(true);
  });

  it("says untagged as it was chosen, for both kinds of pattern", () => {
    for (const excluding of [true, false])
      for (const untagged of [true, false]) {
        const choice = { excluding, pattern: "v*", untagged };
        expect(tagChoice(withTags(newRule(), choice))).toEqual(choice);
      }
  });

  it("keeps selectors that the form doesn't show", () => {
    const more = { decoration: "matches", pattern: "x*" };
    const rule = { ...newRule(), tag_selectors: [{ decoration: "matches", pattern: "a" }, more] };
    const changed = withTags(rule, { excluding: false, pattern: "b", untagged: true });
    expect(changed.tag_selectors?.map((each) => each.pattern)).toEqual(["b", "x*"]);
  });

  it("knows whether anything was changed", () => {
    const stored = { ...newRule(), id: 3, params: { latestPushedK: 10 } };
    expect(sameRules([stored], [newRule()])).toBe(true);
    expect(sameRules([stored], [withTemplate(newRule(), "latestPushedK", 5)])).toBe(false);
    expect(sameRules([stored], [withRepositories(newRule(), true, "**")])).toBe(false);
    expect(sameRules([stored], [])).toBe(false);
  });
});
