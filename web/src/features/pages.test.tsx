import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
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

const company = { name: "Company", primary: false };
const profile = (meta?: object) => () =>
  json({ user_id: 3, username: "alice", sysadmin_flag: false, oidc_user_meta: meta });

describe("the company's provider", () => {
  it("has a button of its own, which leads back to this page", async () => {
    serve({
      "GET /c/session": () => json({ user: null, oidc: company }),
      "GET /api/v2.0/projects": () => json([]),
    });
    renderPortal("/");
    const button = await screen.findByRole("link", { name: "Sign in with Company" });
    expect(button.getAttribute("href")).toMatch(/^\/c\/oidc\/login\?redirect_url=%2F/);
    expect(screen.getByLabelText("User name")).toBeTruthy();
  });

  it("is gone to at once where it is the way in, but once only", async () => {
    sessionStorage.clear();
    const assign = vi.spyOn(window.location, "assign").mockImplementation(() => undefined);
    serve({
      "GET /c/session": () => json({ user: null, oidc: { ...company, primary: true } }),
      "GET /api/v2.0/projects": () => json([]),
    });
    renderPortal("/");
    await waitFor(() => expect(assign).toHaveBeenCalledTimes(1));
    expect(assign.mock.calls[0]?.[0]).toMatch(/^\/c\/oidc\/login\?redirect_url=/);
    renderPortal("/");
    renderPortal("/account/sign-in?reason=denied");
    expect((await screen.findByRole("alert")).textContent).toContain("did not sign you in");
    expect(assign).toHaveBeenCalledTimes(1);
  });

  it("asks who comes for the first time for a user name", async () => {
    const asked = serve({
      "GET /c/session": () => json({ user: null, oidc: company }),
      "POST /c/oidc/onboard": () => refusal(409, "CONFLICT", "taken"),
    });
    renderPortal("/oidc-onboard?username=alice&redirect_url=%2Fp%2Fteam");
    const name = await screen.findByLabelText("User name");
    expect((name as HTMLInputElement).value).toBe("alice");
    fireEvent.click(screen.getByRole("button", { name: "Go on" }));
    expect((await screen.findByRole("alert")).textContent).toContain("another account");
    const sent = asked.find((request) => request.url.endsWith("/c/oidc/onboard"));
    expect(await sent?.json()).toEqual({ username: "alice" });
  });

  it("gives its people a CLI secret in the place of a password", async () => {
    const asked = serve({
      "GET /c/session": () => json({ user: alice, oidc: company }),
      "GET /api/v2.0/users/current": profile({ secret: "Secret-of-alice-1" }),
      "PUT /api/v2.0/users/3/cli_secret": () => new Response(null),
    });
    renderPortal("/me");
    const secret = await screen.findByLabelText("CLI secret", { selector: "input" });
    expect((secret as HTMLInputElement).value).toBe("Secret-of-alice-1");
    expect((secret as HTMLInputElement).type).toBe("password");
    expect(screen.queryByRole("button", { name: "Change password" })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Make a new secret" }));
    expect(await screen.findByText(/The secret is new/)).toBeTruthy();
    expect(asked.filter((request) => request.url.endsWith("/users/current")).length).toBe(2);
  });

  it("leaves a password to who has one here", async () => {
    serve({
      "GET /c/session": () => json({ user: alice, oidc: company }),
      "GET /api/v2.0/users/current": profile(),
    });
    renderPortal("/me");
    expect(await screen.findByRole("button", { name: "Change password" })).toBeTruthy();
  });
});
