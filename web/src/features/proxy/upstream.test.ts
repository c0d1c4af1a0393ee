import { describe, expect, it } from "vitest";
import { metadataOf, upstreamOf } from "./upstream";

describe("how a cache behaves towards its registry", () => {
  it("has no bounds where none are given", () => {
    expect(upstreamOf()).toMatchObject({
      speed: -1,
      connections: -1,
      filter: "",
      referrers: false,
    });
    expect(upstreamOf({ proxy_speed_kb: "0" }).speed).toBe(-1);
  });

  it("comes back as it was sent", () => {
    const upstream = {
      speed: 500,
      connections: 3,
      filterKind: "regex",
      filter: "library/.*",
      referrers: true,
      localOnNotFound: true,
    } as const;
    expect(upstreamOf(metadataOf(upstream))).toEqual(upstream);
  });
});
