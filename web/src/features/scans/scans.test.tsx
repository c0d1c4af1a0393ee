import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { json, refusal, renderPortal, serve } from "../../test/render";
import { matching, packagesOf } from "./bill";
import { compared, filtered, grouped } from "./groups";
import type { Vulnerability } from "./queries";

const digest = `sha256:${"a".repeat(64)}`;
const base = "/api/v2.0/projects/team/repositories/app/artifacts";
const own = "/api/haven/v1/projects/team/repositories/app/artifacts";
const at = encodeURIComponent(digest);

function finding(fields: Partial<Vulnerability>): Vulnerability {
  return {
    id: "CVE-1",
    package: "curl",
    version: "7.88",
    fix_version: "",
    severity: "High",
    status: "",
    description: "",
    links: [],
    artifact_digests: [],
    preferred_cvss: {},
    cwe_ids: [],
    ...fields,
  } as Vulnerability;
}

const all = [
  finding({ id: "CVE-1", severity: "Low" }),
  finding({ id: "CVE-2", severity: "Critical", fix_version: "7.89", title: "<script>1</script>" }),
  finding({ id: "CVE-3", package: "zlib", version: "1.2", links: ["javascript:alert(1)"] }),
];

describe("findings", () => {
  it("are filtered by rank, fix and text", () => {
    const ids = (filter: Parameters<typeof filtered>[1]) =>
      filtered(all, filter).map((each) => each.id);
    expect(ids({ q: "", ranks: [], fixable: false }).length).toBe(3);
    expect(ids({ q: "", ranks: ["Critical", "Low"], fixable: false })).toEqual(["CVE-1", "CVE-2"]);
    expect(ids({ q: "", ranks: [], fixable: true })).toEqual(["CVE-2"]);
    expect(ids({ q: "ZLIB", ranks: [], fixable: false })).toEqual(["CVE-3"]);
  });

  it("are grouped by package, the gravest first", () => {
    const groups = grouped(all);
    expect(groups.map((group) => group.name)).toEqual(["curl", "zlib"]);
    expect(groups[0]?.findings.map((each) => each.id)).toEqual(["CVE-2", "CVE-1"]);
    expect(groups[0]?.fixes).toEqual(["7.89"]);
    expect(groups[0]?.counts).toEqual({ Critical: 1, Low: 1 });
  });

  it("are compared whatever the version of the package is", () => {
    const other = [finding({ id: "CVE-1", version: "7.89" }), finding({ id: "CVE-9" })];
    const { onlyHere, onlyThere, both } = compared(all, other);
    expect(onlyHere.map((each) => each.id)).toEqual(["CVE-2", "CVE-3"]);
    expect(onlyThere.map((each) => each.id)).toEqual(["CVE-9"]);
    expect(both).toBe(1);
  });
});

describe("a bill of materials", () => {
  it("lists packages by name, with what is known of them", () => {
    const found = packagesOf(
      JSON.stringify({
        packages: [
          { name: "zlib", versionInfo: "1", licenseConcluded: "NOASSERTION" },
          {
            name: "<script>",
            versionInfo: "2",
            licenseDeclared: "MIT",
            externalRefs: [{ referenceType: "purl", referenceLocator: "pkg:deb/a@2" }],
          },
          null,
          { name: 7 },
        ],
      }),
    );
    expect(found.map((each) => [each.name, each.licence, each.purl])).toEqual([
      ["", "", ""],
      ["<script>", "MIT", "pkg:deb/a@2"],
      ["zlib", "", ""],
    ]);
    expect(matching(found, "mit").length).toBe(1);
  });

  it("is empty where there is no document", () => {
    for (const text of ["", "{", "[]", "null", '{"packages":{}}']) {
      expect(packagesOf(text)).toEqual([]);
    }
  });
});

function show(report: () => Response, address: string, more = {}) {
  serve({
    "GET /c/session": () => json({ user: null }),
    "GET /api/v2.0/projects/team": () => json({ project_id: 7, name: "team" }),
    [`GET ${base}/${at}`]: () =>
      json({
        digest,
        type: "IMAGE",
        tags: [],
        addition_links: { vulnerabilities: { href: "" } },
        scan_overview: {
          "application/vnd.security.vulnerability.report; version=1.1": {
            report_id: "r1",
            scan_status: "Success",
            duration: 1,
            summary: { total: 3, fixable: 1, summary: { High: 1 } },
          },
        },
      }),
    [`GET ${base}/${at}/additions/vulnerabilities`]: report,
    [`GET ${own}/${at}/changes`]: () =>
      json([{ kind: "new", cve_id: "CVE-77", package: "curl", version: "1", severity: "High" }]),
    ...more,
  });
  renderPortal(`/p/team/r/app/a/${digest}?${address}`);
}

const report = { evaluated: "wholly", scanner: { name: "Trivy", version: "1" } };
const mime = "application/vnd.security.vulnerability.report; version=1.1";

describe("the vulnerabilities of an artifact", () => {
  it("are shown by package, with advisories as text", async () => {
    show(() => json({ [mime]: { ...report, vulnerabilities: all } }), "tab=vulnerabilities");
    expect(await screen.findByText("CVE-2")).toBeTruthy();
    expect(screen.getByText("<script>1</script>")).toBeTruthy();
    expect(screen.getByText("javascript:alert(1)").tagName).toBe("CODE");
    expect(await screen.findByText("CVE-77")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Findings of zlib" }));
    expect(screen.queryByText("CVE-3")).toBeNull();
    fireEvent.click(screen.getByRole("checkbox", { name: "With a fix" }));
    await waitFor(() => expect(screen.queryByText("zlib")).toBeNull());
    expect(screen.getByText("7.89")).toBeTruthy();
  });

  it("are compared with those of another tag", async () => {
    const other = { ...report, vulnerabilities: [finding({ id: "CVE-9" })] };
    show(
      () => json({ [mime]: { ...report, vulnerabilities: all } }),
      "tab=vulnerabilities&against=old",
      { [`GET ${base}/old/additions/vulnerabilities`]: () => json({ [mime]: other }) },
    );
    expect(await screen.findByText("Only in old")).toBeTruthy();
    expect(screen.getByText("CVE-9")).toBeTruthy();
  });

  it("say so when the report can't be had", async () => {
    show(() => refusal(500, "UNKNOWN", "broken"), "tab=vulnerabilities");
    expect((await screen.findByRole("alert")).textContent).toContain("The report can't be shown.");
  });
});
