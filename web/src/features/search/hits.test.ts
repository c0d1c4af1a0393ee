import { describe, expect, it } from "vitest";
import { type Hit, hitsOf, isPasted, sorted, speaksOf } from "./hits";
import { noteRecent, recentAt, recents } from "./recent";

const nothing = {
  projects: [],
  repositories: [],
  tags: [],
  artifacts: [],
  labels: [],
  packages: [],
  vulnerabilities: [],
  users: [],
};
const digest = `sha256:${"4f".repeat(32)}`;

describe("what was found", () => {
  it("leads a tag to its artifact, with the tag in the address", () => {
    const tag = { project: "team", repository: "a/b", name: "1.0", digest };
    const [hit] = hitsOf({ ...nothing, tags: [tag] });
    expect(hit?.title).toBe("team/a/b:1.0");
    expect(hit?.place).toEqual({
      to: "/p/$project/r/$",
      params: { project: "team", _splat: `a/b/a/${digest}` },
      search: { tag: "1.0" },
    });
  });

  it("leaves out a label that nothing carries", () => {
    const found = {
      ...nothing,
      labels: [{ id: 1, project: "", name: "prod", color: "" }],
    };
    expect(hitsOf(found)).toEqual([]);
  });

  it("puts tags first where a reference was pasted", () => {
    const hits = (["projects", "tags"] as const).map(
      (kind): Hit => ({ key: kind, kind, title: kind }),
    );
    expect(sorted(hits, false).map((hit) => hit.kind)).toEqual(["projects", "tags"]);
    expect(sorted(hits, true).map((hit) => hit.kind)).toEqual(["tags", "projects"]);
    expect(["team/app:1", `docker pull team/app`, digest].map(isPasted)).toEqual([
      true,
      true,
      true,
    ]);
    expect(["team", "create project"].map(isPasted)).toEqual([false, false]);
  });

  it("finds pages by the beginnings of their words", () => {
    expect(speaksOf("Vulnerability database Admin", "vuln adm")).toBe(true);
    expect(speaksOf("team/backend/app", "back")).toBe(true);
    expect(speaksOf("Projects", "jects")).toBe(false);
  });
});

describe("what was looked at", () => {
  it("is told from the address", () => {
    expect(recentAt("/p/team", {})?.title).toBe("team");
    expect(recentAt("/p/team/r/a/b", {})?.title).toBe("team/a/b");
    expect(recentAt(`/p/team/r/a/b/a/${digest}`, { tag: "1.0" })?.title).toBe("team/a/b:1.0");
    expect(recentAt(`/p/team/r/a/b/a/${digest}`, {})).toBeUndefined();
    expect(recentAt("/p/team/settings/robots", {})).toBeUndefined();
    expect(recentAt("/projects", {})).toBeUndefined();
  });

  it("is kept for each user, the last first, and once", () => {
    for (const path of ["/p/a", "/p/b", "/p/a"]) {
      const recent = recentAt(path, {});
      if (recent) noteRecent("alice", recent);
    }
    expect(recents("alice").map((each) => each.title)).toEqual(["a", "b"]);
    expect(recents("bob")).toEqual([]);
    localStorage.setItem("haven.recent.bob", "{broken");
    expect(recents("bob")).toEqual([]);
  });
});
