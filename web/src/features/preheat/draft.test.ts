import { expect, it } from "vitest";
import { bodyOfDraft, clustersOf, draftOf, isGood, isName, newDraft } from "./draft";

const stored = {
  name: "releases",
  description: "",
  provider_id: 3,
  enabled: true,
  filters: JSON.stringify([
    { type: "repository", value: "app/**" },
    { type: "tag", value: "v*" },
    { type: "vulnerability", value: 4 },
    { type: "signature", value: true },
    { type: "tag", value: "*-stable" },
  ]),
  trigger: JSON.stringify({ type: "scheduled", trigger_setting: { cron: "0 0 2 * * *" } }),
  extra_attrs: JSON.stringify({ scope: "all_peers", cluster_ids: [1, 2] }),
};

it("gives back what it read, filters that no field is for too", () => {
  expect(bodyOfDraft(draftOf(stored))).toEqual(stored);
});

it("reads a policy of another client, whatever is missing", () => {
  const draft = draftOf({ name: "x", provider_id: 1, filters: "nonsense" });
  expect(draft.trigger).toBe("manual");
  expect(bodyOfDraft(draft).filters).toContain('"**"');
});

it.each([
  ["releases", true],
  ["a.b-c_D", true],
  ["", false],
  ["a..b", false],
  ["-a", false],
  ["two words", false],
])("name %s: %s", (name, good) => expect(isName(name)).toBe(good));

it("wants a name, an instance, and six fields of a schedule", () => {
  expect(isGood({ ...newDraft(1), name: "a" })).toBe(true);
  expect(isGood({ ...newDraft(0), name: "a" })).toBe(false);
  expect(isGood({ ...newDraft(1), name: "a", trigger: "scheduled", cron: "* * *" })).toBe(false);
  expect(clustersOf("1, 2,")).toEqual([1, 2]);
  expect(clustersOf("one")).toBeUndefined();
});
