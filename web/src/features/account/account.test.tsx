import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { json, renderPortal, serve } from "../../test/render";
import { requestOf } from "./tokens";

const alice = {
  user_id: 3,
  username: "alice",
  realname: "",
  sysadmin_flag: false,
  password_generated: false,
};
const laptop = {
  id: 5,
  name: "laptop",
  hint: "x9Yz",
  expired: false,
  creation_time: "2026-05-01T00:00:00.000Z",
  permissions: [{ kind: "project", namespace: "team", access: [] }],
};
const here = {
  id: "a1",
  username: "alice",
  current: true,
  creation_time: "2026-05-01T00:00:00.000Z",
  last_seen_at: "2026-05-01T00:00:00.000Z",
  expires_at: "2026-05-08T00:00:00.000Z",
  remote: "192.0.2.1",
  user_agent: "Here/1.0",
};
const page = {
  "GET /c/session": () => json({ user: alice }),
  "GET /api/v2.0/projects": () => json([]),
  "GET /api/v2.0/users/current": () => json({ ...alice, email: "alice@example.com" }),
  "GET /api/haven/v1/tokens": () => json([laptop]),
  "GET /api/haven/v1/sessions": () =>
    json([here, { ...here, id: "b2", current: false, user_agent: "Elsewhere/1.0" }]),
};

describe("access tokens", () => {
  it("are shown once, when they are made", async () => {
    const asked = serve({
      ...page,
      "POST /api/haven/v1/tokens": () =>
        json(
          { id: 6, name: "ci", token: "hvn_secret", creation_time: laptop.creation_time },
          { status: 201 },
        ),
    });
    renderPortal("/me");
    fireEvent.click(await screen.findByRole("button", { name: "Make a token" }));
    fireEvent.change(await screen.findByLabelText("Name of the token"), {
      target: { value: "ci" },
    });
    fireEvent.change(screen.getByLabelText("Project"), { target: { value: "team" } });
    fireEvent.change(screen.getByLabelText("It may"), { target: { value: "push" } });
    fireEvent.click(screen.getByRole("button", { name: "Make token" }));
    expect(await screen.findByText("hvn_secret")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Copy Access token" })).toBeTruthy();
    const sent = await asked.find((request) => request.method === "POST")?.json();
    expect(sent.name).toBe("ci");
    expect(sent.permissions[0].namespace).toBe("team");
    expect(sent.permissions[0].access).toContainEqual({ resource: "repository", action: "push" });
  });

  it("are revoked when one is sure", async () => {
    const asked = serve({
      ...page,
      "DELETE /api/haven/v1/tokens/5": () => new Response(null),
    });
    renderPortal("/me");
    fireEvent.click(await screen.findByRole("button", { name: "Revoke laptop" }));
    expect(asked.some((request) => request.method === "DELETE")).toBe(false);
    fireEvent.click(await screen.findByRole("button", { name: "Revoke token" }));
    await waitFor(() =>
      expect(asked.filter((request) => request.url.includes("/v1/tokens?")).length).toBe(2),
    );
    expect(asked.some((request) => request.method === "DELETE")).toBe(true);
  });

  it("that may do everything reach the system, unless a project is named", () => {
    const now = new Date("2026-05-01T00:00:00Z");
    const token = { name: " all ", project: "", rights: "everything" as const, days: 0 };
    expect(requestOf(token, now)).toEqual({
      name: "all",
      permissions: [
        { kind: "project", namespace: "*", access: [{ resource: "*", action: "*" }] },
        { kind: "system", namespace: "/", access: [{ resource: "*", action: "*" }] },
      ],
    });
    const narrow = requestOf({ ...token, project: "team", days: 30 }, now);
    expect(narrow.permissions.length).toBe(1);
    expect(narrow.expires_at).toBe("2026-05-31T00:00:00.000Z");
  });
});

describe("sessions", () => {
  it("can be ended, but for the present one", async () => {
    const asked = serve({
      ...page,
      "DELETE /api/haven/v1/sessions/b2": () => new Response(null),
    });
    renderPortal("/me");
    const present = (await screen.findByText("Here/1.0")).closest("tr") as HTMLElement;
    expect(within(present).queryByRole("button")).toBeNull();
    const other = screen.getByText("Elsewhere/1.0").closest("tr") as HTMLElement;
    fireEvent.click(within(other).getByRole("button", { name: "End session" }));
    await waitFor(() => expect(asked.some((request) => request.method === "DELETE")).toBe(true));
  });
});
