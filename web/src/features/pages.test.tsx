import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { json, refusal, renderPortal, serve } from "../test/render";

const alice = {
  user_id: 3,
  username: "alice",
  realname: "",
  sysadmin_flag: false,
  password_generated: false,
};
const team = {
  project_id: 7,
  name: "team",
  repo_count: 0,
  current_user_role_id: 1,
  metadata: { public: "false" },
};
const signedIn = () => json({ user: alice });
const signedOut = () => json({ user: null });
const everyone = () => json({ project_creation_restriction: "everyone" });
const push = () => json([{ resource: "repository", action: "push" }]);

describe("home", () => {
  it("says that name and password do not fit, and keeps what was typed", async () => {
    serve({
      "GET /c/session": signedOut,
      "GET /api/v2.0/projects": () => json([]),
      "POST /c/login": () => new Response(null, { status: 401 }),
    });
    renderPortal("/");
    const name = await screen.findByLabelText("User name");
    fireEvent.change(name, { target: { value: "alice" } });
    fireEvent.change(screen.getByLabelText("Password"), { target: { value: "wrong" } });
    fireEvent.click(screen.getByRole("button", { name: "Sign in" }));
    expect((await screen.findByRole("alert")).textContent).toContain("do not belong together");
    expect((name as HTMLInputElement).value).toBe("alice");
    expect(screen.getByText("Nothing here is public yet.")).toBeTruthy();
  });

  it("shows only the projects in which one has a role, with commands for this host", async () => {
    serve({
      "GET /c/session": signedIn,
      "GET /api/v2.0/projects": () =>
        json([{ ...team, name: "others", project_id: 8, current_user_role_id: 0 }, team]),
      "GET /api/v2.0/systeminfo": everyone,
    });
    renderPortal("/");
    expect(await screen.findByRole("link", { name: "team" })).toBeTruthy();
    expect(screen.queryByRole("link", { name: "others" })).toBeNull();
    const host = window.location.host;
    expect(screen.getByText(`docker login ${host} -u alice`)).toBeTruthy();
  });

  it("asks for another password where the first one is still in use", async () => {
    serve({
      "GET /c/session": () => json({ user: { ...alice, password_generated: true } }),
      "GET /api/v2.0/projects": () => json([]),
      "GET /api/v2.0/systeminfo": everyone,
    });
    renderPortal("/");
    const link = await screen.findByRole("link", { name: "Change password" });
    expect(link.getAttribute("href")).toBe("/me");
  });
});

describe("project", () => {
  const address = "GET /api/v2.0/projects/team";
  const list = "GET /api/v2.0/projects/team/repositories";

  it("teaches the first push to those who may", async () => {
    serve({
      "GET /c/session": signedIn,
      [address]: () => json(team),
      [list]: () => json([]),
      "GET /api/v2.0/users/current/permissions": push,
    });
    renderPortal("/p/team");
    const host = window.location.host;
    expect(await screen.findByText(`docker push ${host}/team/my-app:1.0`)).toBeTruthy();
  });

  it("does not teach pushing to those who may not", async () => {
    serve({
      "GET /c/session": signedIn,
      [address]: () => json({ ...team, current_user_role_id: 3 }),
      [list]: () => json([]),
      "GET /api/v2.0/users/current/permissions": () => json([]),
    });
    renderPortal("/p/team");
    expect(await screen.findByText("Nothing was pushed to this project yet.")).toBeTruthy();
    expect(screen.queryByText(/docker push/)).toBeNull();
  });

  it("lets those who are nobody sign in, and tells others whom to ask", async () => {
    const forbidden = () => refusal(403, "FORBIDDEN", "forbidden");
    serve({ "GET /c/session": signedIn, [address]: forbidden });
    renderPortal("/p/team");
    expect((await screen.findByRole("alert")).textContent).toContain("ask one of its admins");
    expect(screen.queryByLabelText("User name")).toBeNull();
  });

  it("explains a failure with the request id and a way on", async () => {
    let broken = true;
    serve({
      "GET /c/session": signedOut,
      [address]: () => (broken ? refusal(500, "UNKNOWN", "internal server error") : json(team)),
      [list]: () => json([]),
    });
    renderPortal("/p/team");
    expect((await screen.findByRole("alert")).textContent).toContain("request-17");
    broken = false;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });
});

describe("repository", () => {
  const path = "/api/v2.0/projects/team/repositories/a%252Fb/artifacts";

  it("asks for tagged artifacts by the name escaped twice and lists tags", async () => {
    const asked = serve({
      "GET /c/session": signedOut,
      [`GET ${path}`]: () =>
        json([
          {
            digest: `sha256:${"a".repeat(64)}`,
            type: "IMAGE",
            size: 2048,
            push_time: "2026-01-01T00:00:00Z",
            extra_attrs: { os: "linux", architecture: "amd64" },
            tags: [{ name: "v1", push_time: "2026-01-01T00:00:00Z" }],
          },
        ]),
    });
    renderPortal("/p/team/r/a/b");
    expect(await screen.findByRole("link", { name: "v1" })).toBeTruthy();
    expect(screen.getByText(`docker pull ${window.location.host}/team/a/b:v1`)).toBeTruthy();
    expect(screen.getByText("2 KiB")).toBeTruthy();
    const request = asked.find((each) => new URL(each.url).pathname === path);
    expect(new URL(request?.url ?? "").searchParams.get("q")).toBe("tags=*");
  });
});
