import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { json, refusal, renderPortal, serve } from "../../test/render";

const admin = {
  user_id: 1,
  username: "admin",
  realname: "",
  sysadmin_flag: true,
  password_generated: false,
};
const signedIn = { "GET /c/session": () => json({ user: admin }) };
const info = { "GET /api/v2.0/systeminfo": () => json({ haven_version: "1" }) };
const quotas = { "GET /api/v2.0/quotas": () => json([]) };
const configuration = (editable: boolean) =>
  json({
    quota_per_project_enable: { value: true, editable },
    storage_per_project: { value: -1, editable },
  });

describe("settings", () => {
  it("that are fixed from outside are shown, and can't be changed", async () => {
    serve({
      ...signedIn,
      ...quotas,
      "GET /api/v2.0/configurations": () => configuration(false),
    });
    renderPortal("/admin/quotas");
    await screen.findByText(/config_overwrite_json/);
    expect((screen.getByLabelText("Quotas hold") as HTMLInputElement).disabled).toBe(true);
    expect(screen.queryByRole("button", { name: "Save settings" })).toBeNull();
  });

  it("send what differs, and keep what was typed when the server refuses", async () => {
    const asked = serve({
      ...signedIn,
      ...quotas,
      "GET /api/v2.0/configurations": () => configuration(true),
      "PUT /api/v2.0/configurations": () => refusal(400, "BAD_REQUEST", "not this much"),
    });
    renderPortal("/admin/quotas");
    const field = (await screen.findByLabelText("Quota of new projects")) as HTMLInputElement;
    fireEvent.change(field, { target: { value: "20" } });
    fireEvent.click(screen.getByRole("button", { name: "Save settings" }));
    expect((await screen.findByRole("alert")).textContent).toContain("not this much");
    expect(field.value).toBe("20");
    const put = asked.find((request) => request.method === "PUT");
    expect(await put?.json()).toEqual({ storage_per_project: 20 * 2 ** 30 });
  });
});

describe("health", () => {
  it("says what to do about a part that is unhealthy", async () => {
    serve({
      ...signedIn,
      ...info,
      "GET /api/v2.0/health": () =>
        json({
          status: "unhealthy",
          components: [
            { name: "core", status: "healthy" },
            { name: "redis", status: "unhealthy", error: "see the server's log" },
          ],
        }),
    });
    renderPortal("/admin/health");
    await screen.findByText(/redis_url/);
    expect(screen.getByText("Something is wrong.", { exact: false })).toBeTruthy();
    await waitFor(() => expect(screen.queryByText(/Nothing can be changed/)).toBeNull());
  });
});
