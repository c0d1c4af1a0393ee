import { describe, expect, it } from "vitest";
import { noFilter, parts, queryOf } from "./filter";

describe("the search for findings", () => {
  it("asks for all when nothing is chosen", () => {
    expect(queryOf(noFilter)).toBeUndefined();
  });

  it("joins what is chosen", () => {
    const filter = {
      ...noFilter,
      cve: "cve-2024-1 ",
      package: "open,ssl",
      score: "7",
      fix: "fixed",
    };
    expect(queryOf(filter)).toBe(
      "cve_id=CVE-2024-1,package=openssl,cvss_score_v3=[7.0~10.0],status=fixed",
    );
    expect(queryOf({ ...noFilter, cve: "GHSA-aa-bb" })).toBe("cve_id=GHSA-aa-bb");
    expect(queryOf({ ...noFilter, repository: "team/a/b" })).toBe("repository_name=team%2Fa%2Fb");
  });

  it("parts a repository's name", () => {
    expect(parts("team/a/b")).toEqual({ project: "team", repository: "a/b" });
  });
});
