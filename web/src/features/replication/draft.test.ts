import { describe, expect, it } from "vitest";
import { blank, draftOf, faultsOf, policyOf } from "./draft";

const good = { ...blank, name: "to-production", destination: 3 };

describe("a policy as it is typed", () => {
  it("comes back as it was saved", () => {
    const draft = {
      ...good,
      filters: [
        { key: 0, kind: "name" as const, value: "team/**", excludes: false },
        { key: 1, kind: "label" as const, value: "good, new", excludes: true },
        { key: 2, kind: "resource" as const, value: "image", excludes: false },
      ],
      trigger: "scheduled" as const,
      cron: "0 30 4 * * *",
      speed: 500,
      single: true,
    };
    const policy = policyOf(draft);
    expect(policy.filters).toEqual([
      { type: "name", value: "team/**", decoration: "matches" },
      { type: "label", value: ["good", "new"], decoration: "excludes" },
      { type: "resource", value: "image" },
    ]);
    expect(draftOf(policy)).toEqual(draft);
  });

  it("leaves out empty filters, and what doesn't go with events", () => {
    const policy = policyOf({ ...good, trigger: "event_based", single: true });
    expect(policy.filters).toEqual([]);
    expect(policy.single_active_replication).toBe(false);
    expect(policy.trigger).toEqual({ type: "event_based" });
  });

  it("names what is wrong", () => {
    expect([...faultsOf(good)]).toEqual([]);
    expect([...faultsOf(blank)]).toEqual(["name", "registries"]);
    const odd = { ...good, trigger: "scheduled" as const, cron: "0 3 * * *", speed: -1 };
    expect([...faultsOf(odd)]).toEqual(["cron", "speed"]);
  });
});
