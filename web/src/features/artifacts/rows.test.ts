import { describe, expect, it } from "vitest";
import { artifactSplat, placeOf } from "./address";
import type { Artifact } from "./queries";
import { platforms, tagRows } from "./rows";

function artifact(fields: object): Artifact {
  return fields as Artifact;
}

describe("tag rows", () => {
  it("stand by the time the tag was set, newest first, whatever artifact they name", () => {
    const rows = tagRows([
      artifact({
        digest: "sha256:a",
        push_time: "2026-01-03T00:00:00Z",
        tags: [{ name: "v3", push_time: "2026-01-03T00:00:00Z" }],
      }),
      artifact({
        digest: "sha256:b",
        push_time: "2026-01-01T00:00:00Z",
        tags: [
          { name: "v1", push_time: "2026-01-01T00:00:00Z" },
          { name: "stable", push_time: "2026-01-04T00:00:00Z" },
        ],
      }),
      artifact({ digest: "sha256:c", push_time: "2026-01-02T00:00:00Z", tags: null }),
    ]);
    expect(rows.map((row) => row.tag?.name ?? row.artifact.digest)).toEqual([
      "stable",
      "v3",
      "sha256:c",
      "v1",
    ]);
  });
});

describe("platforms", () => {
  it("are those of an index's images, once, without attestations", () => {
    const names = platforms(
      artifact({
        references: [
          { platform: { os: "linux", architecture: "arm64", variant: "v8" } },
          { platform: { os: "linux", architecture: "amd64" } },
          { platform: { os: "linux", architecture: "amd64" } },
          { platform: { os: "unknown", architecture: "unknown" } },
        ],
      }),
    );
    expect(names).toEqual(["linux/arm64/v8", "linux/amd64"]);
  });

  it("are the image's own, or none", () => {
    const image = artifact({ extra_attrs: { os: "linux", architecture: "riscv64" } });
    expect(platforms(image)).toEqual(["linux/riscv64"]);
    expect(platforms(artifact({ extra_attrs: { name: "chart" } }))).toEqual([]);
  });
});

describe("addresses", () => {
  it("tell an artifact from a repository with the same letters", () => {
    expect(placeOf("team/a/b")).toEqual({ repository: "team/a/b" });
    expect(placeOf("a/a/sha256:0f")).toEqual({ repository: "a", digest: "sha256:0f" });
    expect(placeOf(artifactSplat("x/a/y", "sha512:ab"))).toEqual({
      repository: "x/a/y",
      digest: "sha512:ab",
    });
  });
});
