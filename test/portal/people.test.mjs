// Projects and who and what they are: members, robots, labels, storage, general settings, the log.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { clipboard, host, inspect, launch, password, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, push, read, secret } from "./registry.mjs";

const shop = "people-shop";
const settings = `${url}/p/${shop}/settings`;

let browser;
before(async () => {
  browser = await launch();
  await newProject(shop);
  await newPerson("people-admin", shop, "admin");
  await newPerson("people-dev", shop, "developer");
  await newPerson("people-guest", shop, "guest");
  await newPerson("people-late");
  await newPerson("people-stranger");
  for (const name of ["api/orders", "api/users", "web", "old"]) push(`${shop}/${name}:1.0`);
});
after(() => browser.close());

/** Opens a page as somebody. */
function as(name, address, steps, options = {}) {
  return visit(browser, options, async (opened) => {
    if (name) await signIn(opened.page, name, name === "admin" ? password : secret);
    await opened.page.goto(address);
    await steps(opened.page, opened);
  });
}

describe("an administrator of the registry", () => {
  it("sorts and narrows projects, and sees what takes the room", async () => {
    await as("admin", `${url}/projects`, async (page, opened) => {
      await page.getByLabel("Which projects").selectOption("private");
      await page.waitForURL(/show=private/);
      await page.getByRole("button", { name: "Created" }).click();
      await page.waitForURL(/sort=-creation_time/);
      const table = page.getByRole("table", { name: "Projects" });
      await table.getByRole("link", { name: shop, exact: true }).waitFor();
      assert.equal(await table.getByRole("link", { name: "library", exact: true }).count(), 0);
      await page.getByRole("group", { name: "Storage by project" }).getByRole("link", { name: new RegExp(`^${shop}, .* MiB$`) }).waitFor();
      await page.getByText("The same as a table").click();
      await page.getByRole("table", { name: "Storage by project" }).getByRole("link", { name: shop }).waitFor();
      await inspect(opened, "people-room");
      await page.getByLabel("Which projects").selectOption("mine");
      await page.getByLabel("Find a project").fill(shop);
      await table.getByRole("link", { name: shop, exact: true }).waitFor();
    });
  });

  it("creates a project with a limit, and one that is a cache", async () => {
    const credential = { type: "basic", access_key: "admin", access_secret: password };
    await ask("POST", "/api/v2.0/registries", { name: "people-upstream", type: "docker-registry", url, credential });
    await as("admin", `${url}/projects`, async (page, opened) => {
      await page.getByRole("button", { name: "Create project" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name").fill("people-cache");
      await dialog.getByLabel("Storage limit").fill("much");
      await dialog.getByText("A number up to 1024 TiB.").waitFor();
      await dialog.getByLabel("Storage limit").fill("2");
      const option = await dialog.getByRole("option", { name: /^people-upstream/ }).getAttribute("value");
      await dialog.getByLabel("Cache of").selectOption(option);
      await dialog.getByLabel("Bandwidth").fill("512");
      await inspect(opened, "people-create");
      await dialog.getByRole("button", { name: "Create project" }).click();
      await page.waitForURL(`${url}/p/people-cache`);
      await page.getByText("people-upstream").waitFor();
      await page.getByText("of 2 GiB").waitFor();
    });
    const made = await read("/api/v2.0/projects/people-cache");
    assert.equal(made.metadata.proxy_speed_kb, "512");
  });

  it("changes how much a project may hold", async () => {
    await as("admin", `${settings}/quota`, async (page) => {
      await page.getByRole("table", { name: "What takes the space" }).getByRole("link", { name: "api/orders" }).waitFor();
      await page.getByLabel("No limit").uncheck();
      await page.getByLabel("Storage limit").fill("1");
      await page.getByLabel("Unit of the limit").selectOption("GiB");
      await page.getByRole("button", { name: "Save limit" }).click();
      await page.getByText("of 1 GiB").waitFor();
    });
    const { quota } = await read(`/api/v2.0/projects/${shop}/summary`);
    assert.equal(quota.hard.storage, 2 ** 30);
  });
});

describe("an admin of a project", () => {
  it("finds repositories in a tree, and other projects in the path", async () => {
    await newProject("people-other");
    await ask("POST", "/api/v2.0/projects/people-other/members", { role_id: 3, member_user: { username: "people-admin" } });
    await as("people-admin", `${url}/p/${shop}`, async (page) => {
      await page.getByText("Project admin: 2").waitFor();
      await page.getByText("Tree", { exact: true }).click();
      await page.waitForURL(/view=tree/);
      await page.getByText("api/", { exact: true }).click();
      await page.getByRole("link", { name: "orders", exact: true }).waitFor({ state: "hidden" });
      await page.getByText("api/", { exact: true }).click();
      await page.getByRole("link", { name: "orders", exact: true }).waitFor();
      await page.reload();
      await page.getByRole("link", { name: "orders", exact: true }).click();
      await page.waitForURL(`${url}/p/${shop}/r/api/orders`);

      await page.getByRole("button", { name: "Switch project" }).click();
      await page.getByLabel("Find a project").fill("people-oth");
      await page.getByRole("link", { name: "people-other" }).waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(`${url}/p/people-other`);
    });
  });

  it("deletes repositories, and takes it back", async () => {
    await as("people-admin", `${url}/p/${shop}`, async (page) => {
      await page.getByLabel("Choose old").check();
      await page.getByText("Chosen: 1, with artifacts: 1").waitFor();
      await page.getByRole("button", { name: "Delete repositories" }).click();
      await page.getByText("Deleted old.").waitFor();
      await page.getByRole("link", { name: "old", exact: true }).waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await page.getByText("Undone: Deleted old.").waitFor();
      await page.getByRole("link", { name: "old", exact: true }).waitFor();
    });
  });

  it("adds a member, changes the role, and takes back a removal", async () => {
    await as("people-admin", `${settings}/members`, async (page, opened) => {
      await page.getByRole("button", { name: "Add member" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("User name").fill("people-la");
      await page.getByRole("option", { name: "people-late" }).click();
      await dialog.getByLabel("Role").selectOption("3");
      await inspect(opened, "people-add");
      await dialog.getByRole("button", { name: "Add member" }).click();
      await page.getByText("people-late is a member now.").waitFor();
      await page.getByLabel("Role of people-late").selectOption("4");
      await page.getByText("The role of people-late is changed.").waitFor();
      await page.getByRole("button", { name: "Remove people-late" }).click();
      await page.getByText("people-late is removed.").waitFor();
      await page.getByRole("button", { name: "Undo", exact: true }).last().click();
      await page.getByText("Undone: people-late is removed.").waitFor();
      await page.getByLabel("Find a member").fill("late");
      await page.waitForURL(/q=late/);
      assert.equal(await page.getByLabel("Role of people-late").inputValue(), "4");
    });
  });

  it("is told before the last admin goes", async () => {
    await newProject("people-alone");
    await ask("POST", "/api/v2.0/projects/people-alone/members", { role_id: 1, member_user: { username: "people-admin" } });
    await as("people-admin", `${url}/p/people-alone/settings/members`, async (page) => {
      await page.getByRole("button", { name: "Remove admin", exact: true }).click();
      await page.getByText("admin is removed.").waitFor();
      await page.getByRole("button", { name: "Remove people-admin" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("people-admin is the last admin of this project.").waitFor();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await page.getByLabel("Role of people-admin").selectOption("2");
      await dialog.getByText("is the last admin").waitFor();
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await page.waitForFunction(() => document.querySelector("select").value === "1");
    });
  });

  it("makes a robot with rights of its own, whose secret is shown once", async () => {
    await as("people-admin", `${settings}/robots`, async (page, opened) => {
      await page.getByRole("button", { name: "Create robot" }).click();
      await page.getByLabel("Name", { exact: true }).fill("CI");
      await page.getByText("Lower-case letters and digits").waitFor();
      await page.getByLabel("Name", { exact: true }).fill("ci");
      await page.getByLabel("Description").fill("Pushes what the pipeline built");
      await page.getByLabel("It ends").selectOption("30");
      await page.getByLabel("what I tick").check();
      await page.getByLabel("Repositories: push").check();
      await page.getByLabel("Repositories: delete").check();
      await inspect(opened, "people-matrix");
      await page.getByRole("region", { name: "Create robot" }).getByRole("button", { name: "Create robot" }).click();
      await page.getByText("it is shown only this once").waitFor();
      await inspect(opened, "people-secret");
      await page.getByRole("button", { name: "Copy secret", exact: true }).click();
      const token = await clipboard(page);
      const robot = [`robot$${shop}+ci`, token];
      await ask("GET", `/api/v2.0/projects/${shop}/repositories`, undefined, robot);
      await page.getByText(`--docker-username='robot$${shop}+ci'`).waitFor();
      const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download pull secret" }).click()]);
      assert.equal(saved.suggestedFilename(), `robot-${shop}-ci.yaml`);
      const data = /\.dockerconfigjson: (\S+)/.exec(readFileSync(await saved.path(), "utf8"))[1];
      assert.equal(JSON.parse(atob(data)).auths[host].password, token);
      await page.reload();
      await page.getByText(`robot$${shop}+ci`).waitFor();
      assert.equal(await page.getByText(token).count(), 0);

      await page.getByRole("button", { name: "Actions for" }).click();
      await page.getByRole("menuitem", { name: "Make a new secret" }).click();
      await page.getByLabel("The present secret ends").selectOption("24");
      await page.getByRole("dialog").getByRole("button", { name: "Make a new secret" }).click();
      await page.getByText("it is shown only this once").waitFor();
      await page.getByText("its old secret ends").waitFor();
      await ask("GET", `/api/v2.0/projects/${shop}/repositories`, undefined, robot);
      await page.getByRole("button", { name: "Actions for" }).click();
      await page.getByRole("menuitem", { name: "End the old secret now" }).click();
      await page.getByText("its old secret ends").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Actions for" }).click();
      await page.getByRole("menuitem", { name: "Disable robot" }).click();
      await page.getByText("Disabled", { exact: true }).waitFor();
    });
  });

  it("changes what a robot may do, and deletes it", async () => {
    await ask("POST", "/api/v2.0/robots", {
      name: "gone", level: "project", duration: -1,
      permissions: [{ kind: "project", namespace: shop, access: [{ resource: "repository", action: "pull" }] }],
    });
    await as("people-admin", `${settings}/robots?q=gone`, async (page) => {
      await page.getByRole("button", { name: "Actions for" }).click();
      await page.getByRole("menuitem", { name: "Edit robot" }).click();
      await page.getByLabel("pull and push").check();
      await page.getByRole("button", { name: "Save robot" }).click();
      await page.getByRole("table").getByText("pull and push", { exact: true }).waitFor();
      await page.getByText("never ends").waitFor();
      await page.getByRole("button", { name: "Actions for" }).click();
      await page.getByRole("menuitem", { name: "Delete robot" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete robot" }).click();
      await page.getByText("No robot has this in its name.").waitFor();
    });
  });

  it("makes, changes and deletes labels", async () => {
    await as("people-admin", `${settings}/labels`, async (page, opened) => {
      for (const name of ["tested", "broken"]) {
        await page.getByRole("button", { name: "Create label" }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByLabel("Name").fill(name);
        await dialog.getByLabel("Colour #b3261e").check({ force: true });
        if (name === "tested") await inspect(opened, "people-label");
        await dialog.getByRole("button", { name: "Create label" }).click();
        await page.getByText(`The label ${name} is saved.`).waitFor();
      }
      await page.getByRole("button", { name: "Edit tested" }).click();
      await page.getByRole("dialog").getByLabel("Another colour").fill("#0a0");
      await page.getByRole("dialog").getByLabel("Description").fill("Passed all tests");
      await page.getByRole("button", { name: "Save label" }).click();
      await page.getByRole("cell", { name: "Passed all tests" }).waitFor();
      await page.getByRole("button", { name: "Delete broken" }).click();
      await page.getByRole("dialog").getByText("which these were is lost").waitFor();
      await page.getByRole("button", { name: "Delete label" }).click();
      await page.getByRole("button", { name: "Delete broken" }).waitFor({ state: "detached" });
    });
  });

  it("makes a project public, and deletes one that is empty", async () => {
    await newProject("people-end");
    await ask("POST", "/api/v2.0/projects/people-end/members", { role_id: 1, member_user: { username: "people-admin" } });
    await as("people-admin", `${settings}/general`, async (page) => {
      await page.getByText("It can't be deleted while it holds repositories.").waitFor();
      await page.goto(`${url}/p/people-end/settings`);
      await page.waitForURL(`${url}/p/people-end/settings/general`);
      await page.getByLabel("Public").check();
      await page.getByText("All that is in it now becomes public").waitFor();
      await page.getByRole("button", { name: "Save visibility" }).click();
      await page.getByText("becomes public").waitFor({ state: "detached" });
      assert.equal((await read("/api/v2.0/projects/people-end")).metadata.public, "true");
      await page.getByRole("button", { name: "Delete project" }).click();
      const dialog = page.getByRole("dialog");
      assert.ok(await dialog.getByRole("button", { name: "Delete project" }).isDisabled());
      await dialog.getByLabel("Type people-end to confirm").fill("people-end");
      await dialog.getByRole("button", { name: "Delete project" }).click();
      await page.waitForURL(`${url}/projects`);
      await page.getByText("The project people-end is deleted.").waitFor();
    });
  });

  it("reads the log, narrowed, and takes it along", async () => {
    await as("people-admin", `${settings}/logs`, async (page) => {
      const table = page.getByRole("table", { name: "Log" });
      await page.getByLabel("Operation").selectOption("restore");
      await page.waitForURL(/operation=restore/);
      await table.getByRole("cell", { name: `${shop}/old` }).first().waitFor();
      await page.getByLabel("User", { exact: true }).fill("people-admin");
      await page.waitForURL(/user=people-admin/);
      await table.getByRole("row").nth(1).waitFor();
      const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export as CSV" }).click()]);
      const lines = readFileSync(await saved.path(), "utf8").trim().split("\r\n");
      assert.ok(lines.length > 1);
      for (const line of lines.slice(1)) assert.match(line, /,people-admin,restore,/);
      await page.getByLabel("To (UTC)").fill("2020-01-01");
      await page.getByText("Nothing of this kind was done.").waitFor();
      await page.getByRole("button", { name: "Clear filter" }).click();
      await table.waitFor();
    });
  });
});

/** What the API refuses on a page that shows no way to it is no fault of the page. */
function refused(opened) {
  const others = opened.faults.filter((fault) => !/40[13]/.test(fault));
  assert.deepEqual(others, []);
  opened.faults.length = 0;
}

describe("those who may less", () => {
  it("a developer sees members and robots, and no way to change them", async () => {
    await as("people-dev", `${url}/p/${shop}`, async (page, opened) => {
      await page.getByRole("link", { name: "web", exact: true }).waitFor();
      assert.equal(await page.getByRole("checkbox").count(), 0);
      await page.getByRole("link", { name: "Settings" }).click();
      await page.waitForURL(`${settings}/members`);
      await page.getByRole("table", { name: "Members" }).getByText("people-admin").waitFor();
      assert.deepEqual(await page.getByRole("navigation", { name: "Settings" }).getByRole("link").allTextContents().then((all) => all.slice(0, 4)), ["Members", "Robots", "Labels", "Storage"]);
      for (const button of ["Add member", "Remove people-admin"]) assert.equal(await page.getByRole("button", { name: button }).count(), 0);
      await page.getByRole("link", { name: "Robots" }).click();
      await page.getByText(`robot$${shop}+ci`).waitFor();
      assert.equal(await page.getByRole("button", { name: /Create robot|Actions for/ }).count(), 0);
      await page.goto(`${settings}/robots?edit=new`);
      await page.getByText(`robot$${shop}+ci`).waitFor();
      assert.equal(await page.getByLabel("Description").count(), 0);
      for (const place of ["general", "logs"]) {
        await page.goto(`${settings}/${place}`);
        await page.getByRole("alert").getByText("Your role in people-shop doesn't let you see this.").waitFor();
      }
      const status = await page.evaluate(async (path) => (await fetch(path)).status, `/api/v2.0/projects/${shop}/auditlog-exts`);
      assert.equal(status, 403);
      refused(opened);
    });
  });

  it("a guest sees labels and storage as they are", async () => {
    await as("people-guest", `${settings}/labels`, async (page) => {
      await page.getByText("Passed all tests").waitFor();
      assert.equal(await page.getByRole("button", { name: /Create label|Edit|Delete/ }).count(), 0);
      await page.getByRole("link", { name: "Storage" }).click();
      await page.getByText("of 1 GiB").waitFor();
      assert.equal(await page.getByLabel("Storage limit").count(), 0);
      await page.goto(`${url}/projects`);
      await page.getByRole("table", { name: "Projects" }).waitFor();
      assert.equal(await page.getByText("Storage by project").count(), 0);
    });
  });

  it("who is no member, and nobody, learn what to do", async () => {
    await as("people-stranger", `${settings}/members`, async (page, opened) => {
      await page.getByRole("alert").getByText("Only its members may: ask one of its admins to add you.").waitFor();
      refused(opened);
    });
    await as("", `${settings}/members`, async (page, opened) => {
      await page.getByText("Sign in to see whether you may read it.").waitFor();
      await page.getByLabel("User name").waitFor();
      refused(opened);
      await page.goto(`${url}/projects`);
      await page.getByRole("heading", { level: 1, name: "Projects" }).waitFor();
      assert.equal(await page.getByLabel("Which projects").count(), 0);
      assert.equal(await page.getByRole("button", { name: "Create project" }).count(), 0);
    });
  });
});
