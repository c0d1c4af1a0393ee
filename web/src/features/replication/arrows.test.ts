import { describe, expect, it } from "vitest";
import { arrowsOf, spotsOf } from "./arrows";
import type { Policy, Run } from "./queries";

const policy = (id: number, from: number, to: number, enabled = true): Policy => ({
  id,
  enabled,
  src_registry: { id: from },
  dest_registry: { id: to },
});
const run = (policy_id: number, status: string) => ({ policy_id, status }) as Run;

describe("the map of registries", () => {
  const policies = [policy(1, 0, 5), policy(2, 0, 5, false), policy(3, 6, 0), policy(4, 6, 7)];
  const runs = new Map([
    [1, run(1, "Succeed")],
    [2, run(2, "Failed")],
  ]);

  it("has one arrow for all policies of a way, with the gravest of their last runs", () => {
    const arrows = arrowsOf(policies, runs);
    expect(arrows.map((arrow) => arrow.key)).toEqual(["0-5", "6-0", "6-7"]);
    expect(arrows[0]?.last?.status).toBe("Failed");
    expect(arrows[0]?.disabled).toBe(false);
    expect(arrows[1]?.last).toBeUndefined();
  });

  it("has this registry in the middle, sources before it and destinations after", () => {
    const spots = spotsOf(arrowsOf(policies, runs));
    expect(spots.map(({ id, column, row }) => [id, column, row])).toEqual([
      [0, 1, 0],
      [6, 0, 0],
      [5, 2, 0],
      [7, 2, 1],
    ]);
  });
});
