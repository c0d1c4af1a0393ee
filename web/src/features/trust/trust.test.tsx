import { fireEvent, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { json, refusal, renderPortal, serve } from "../../test/render";

const digest = `sha256:${"a".repeat(64)}`;
const artifacts = "/api/v2.0/projects/team/repositories/app/artifacts";
const signatures = `GET /api/haven/v1/projects/team/repositories/app/artifacts/${encodeURIComponent(digest)}/signatures`;
const artifact = {
  "GET /c/session": () => json({ user: { user_id: 3, username: "alice" } }),
  [`GET ${artifacts}/${encodeURIComponent(digest)}`]: () =>
    json({ digest, type: "IMAGE", tags: [] }),
};
const standing = {
  digest,
  statement: false,
  policy: true,
  trusted: false,
  missing: "",
  more: false,
};
const signature = { digest, format: "cosign", signers: [], by: "", reason: "", predicate_type: "" };

function show(answer: () => Response) {
  const asked = serve({ ...artifact, [signatures]: answer });
  renderPortal(`/p/team/r/app/a/${digest}?tab=signatures`);
  return asked;
}

describe("signatures of an artifact", () => {
  it("says who signed, what it is worth and why", async () => {
    show(() =>
      json({
        ...standing,
        missing: 'it needs a signature by "ci"',
        signatures: [
          { ...signature, state: "invalid", reason: "it is about another digest" },
          { ...signature, state: "verified", signers: ["nightly"], by: "key SHA256:1" },
        ],
      }),
    );
    expect(await screen.findByText(/demands: it needs a signature by "ci"/)).toBeTruthy();
    expect(screen.getByText("it is about another digest")).toBeTruthy();
    expect(screen.getByText("nightly · key SHA256:1")).toBeTruthy();
    expect(screen.getByText("Verified")).toBeTruthy();
  });

  it("demands none of a signature", async () => {
    show(() => json({ ...standing, statement: true, signatures: [] }));
    expect(await screen.findByText(/nobody has to sign it/)).toBeTruthy();
    expect(screen.queryByText(/demands/)).toBeNull();
  });

  it("is kept from those who may not know, in words", async () => {
    const asked = show(() => refusal(403, "FORBIDDEN", "forbidden"));
    expect(await screen.findByText(/You may not see who signed it/)).toBeTruthy();
    expect(asked.some((r) => r.url.endsWith("/signatures"))).toBe(true);
  });
});

describe("a project's trust policy", () => {
  const project = { project_id: 7, name: "team", repo_count: 0, current_user_role_id: 1 };
  const policy = "/api/haven/v1/projects/team/signature-policy";

  it("names those who may sign, and says why a cluster can't have it", async () => {
    serve({
      ...artifact,
      "GET /api/v2.0/projects/team": () => json(project),
      "GET /api/v2.0/projects/team/repositories": () => json([]),
      "GET /api/v2.0/users/current/permissions": () =>
        json([{ resource: "metadata", action: "read" }]),
      [`GET ${policy}`]: () =>
        json({
          scope: "project",
          enforced: true,
          document: { signers: [{ name: "ci" }, { name: "release" }], signed_before_tag: true },
          set_by: "alice",
          set_at: "2026-01-02T03:04:05Z",
        }),
      [`GET ${policy}/kubernetes`]: () => refusal(400, "BAD_REQUEST", "CEL can't be said there"),
    });
    renderPortal("/p/team");
    expect(await screen.findByText(/It trusts: ci, release\./)).toBeTruthy();
    expect(screen.getByText(/Nothing gets a tag/)).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "ClusterPolicy" }));
    expect((await screen.findByRole("alert")).textContent).toContain("CEL can't be said there");
  });
});
