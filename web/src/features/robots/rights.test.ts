import { expect, it } from "vitest";
import {
  hasDenials,
  permissionsOf,
  placesFor,
  placesOf,
  presetOf,
  presetRights,
  rowsOf,
} from "./rights";

const offered = [
  { resource: "repository", action: "pull" },
  { resource: "repository", action: "push" },
  { resource: "artifact", action: "read" },
  { resource: "member", action: "list" },
];

it("stand in rows by resource, unknown actions last", () => {
  expect(rowsOf(offered)[0]).toEqual({ resource: "repository", actions: ["pull", "push"] });
  const tag = ["delete", "wonder", "pull"].map((action) => ({ resource: "tag", action }));
  expect(rowsOf(tag)).toEqual([{ resource: "tag", actions: ["pull", "delete", "wonder"] }]);
});

it("know the presets that they are", () => {
  expect(presetOf(presetRights("push", offered), offered)).toBe("push");
  expect(presetOf(new Set(["repository push", "artifact read"]), offered)).toBeUndefined();
  expect(presetOf(new Set(["member list"]), offered)).toBeUndefined();
});

it("go to the API and back, without empty places and without what is denied", () => {
  const rights = presetRights("pull", offered);
  const sent = permissionsOf([
    { kind: "project", namespace: "team", rights },
    { kind: "system", namespace: "/", rights: new Set() },
  ]);
  expect(sent.length).toBe(1);
  expect(placesOf(sent)).toEqual([{ kind: "project", namespace: "team", rights }]);
  const access = [{ resource: "tag", action: "delete", effect: "deny" }];
  const denied = [{ kind: "project", namespace: "team", access }];
  expect(placesOf(denied)[0]?.rights.size).toBe(0);
  expect([hasDenials(sent), hasDenials(denied), hasDenials(null)]).toEqual([false, true, false]);
});

it("of a project are there only, pulls to begin with", () => {
  const [place] = placesFor("team", [], offered);
  expect(place).toEqual({
    kind: "project",
    namespace: "team",
    rights: presetRights("pull", offered),
  });
  const some = [{ kind: "system" as const, namespace: "/", rights: new Set(["quota list"]) }];
  expect(placesFor("", some, offered)).toBe(some);
});
