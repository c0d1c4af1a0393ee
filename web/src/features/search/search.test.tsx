import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { ownPath } from "../../routes/search";
import { json, renderPortal, serve } from "../../test/render";

const found = {
  projects: [{ id: 1, name: "team", public: true }],
  repositories: [{ project: "team", name: "app" }],
  tags: [],
  artifacts: [],
  labels: [],
  packages: [],
  vulnerabilities: [],
  users: [],
};

describe("the palette", () => {
  it("opens by a slash, finds while one types, and goes where Enter points", async () => {
    serve({
      "GET /c/session": () => json({ user: null }),
      "GET /api/v2.0/projects": () => json([]),
      "GET /api/v2.0/systeminfo": () => json({ auth_mode: "db_auth" }),
      "GET /api/haven/v1/search": () => json(found),
    });
    const router = renderPortal("/");
    await screen.findByLabelText("User name");
    fireEvent.keyDown(document.body, { key: "/" });
    const field = await screen.findByRole("combobox");
    fireEvent.change(field, { target: { value: "team" } });
    await screen.findByRole("option", { name: "team/app" });
    expect(screen.getByRole("option", { name: "team" }).getAttribute("aria-selected")).toBe("true");
    fireEvent.keyDown(field, { key: "ArrowDown" });
    fireEvent.keyDown(field, { key: "Enter" });
    await waitFor(() => expect(router.state.location.pathname).toBe("/p/team/r/app"));
  });

  it("does not open by a slash that somebody types", async () => {
    serve({
      "GET /c/session": () => json({ user: null }),
      "GET /api/v2.0/projects": () => json([]),
    });
    renderPortal("/");
    fireEvent.keyDown(await screen.findByLabelText("User name"), { key: "/" });
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("the sign-in page", () => {
  it("speaks of the directory where there is one", async () => {
    serve({
      "GET /c/session": () => json({ user: null }),
      "GET /api/v2.0/systeminfo": () => json({ auth_mode: "ldap_auth" }),
    });
    renderPortal("/account/sign-in");
    expect(await screen.findByText(/company's directory/)).toBeTruthy();
  });

  it("goes on to pages of its own only", () => {
    expect(["/", "/p/a?q=1", "/projects#x"].every(ownPath)).toBe(true);
    const elsewhere = ["", "//evil", "/\\evil", "https://evil", "p/a", "javascript:x"];
    expect(elsewhere.some(ownPath)).toBe(false);
  });
});
