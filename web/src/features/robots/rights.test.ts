import { expect, it } from "vitest";
import { matrixOf, presetOf, presets, rightsOf } from "./rights";

it("knows its presets again, in any order", () => {
  expect(presetOf([...presets.pull].reverse())).toBe("pull");
  expect(presetOf(presets.push)).toBe("push");
  expect(presetOf(presets.pull.slice(1))).toBe("own");
  expect(presetOf([])).toBe("own");
});

it("reads what a robot may do, without what it is denied", () => {
  const access = [
    { resource: "tag", action: "list" },
    { resource: "tag", action: "delete", effect: "deny" },
  ];
  expect(rightsOf([{ kind: "project", namespace: "p", access }])).toEqual([
    { resource: "tag", action: "list" },
  ]);
  expect(rightsOf(null)).toEqual([]);
});

it("makes a table of what can be given, unknown actions last", () => {
  const rights = ["delete", "wonder", "pull"].map((action) => ({ resource: "tag", action }));
  expect(matrixOf(rights)).toEqual({ resources: ["tag"], actions: ["pull", "delete", "wonder"] });
});
