import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { clipboard, host, launch, open, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, read, secret } from "./registry.mjs";

let browser;
before(async () => {
  browser = await launch();
  await newProject("identity-team");
  await newPerson("identity-dev", "identity-team", "developer");
  await newPerson("identity-nobody");
  await newPerson("identity-temp");
});
after(() => browser.close());

/** Does what makes the server refuse: the browser notes that on the console, and nothing else may be there. */
async function refused(faults, status, steps) {
  const before = faults.length;
  await steps();
  const noted = faults.splice(before);
  assert.ok(noted.length > 0 && noted.every((each) => each.includes(String(status))), noted.join("; "));
}

describe("an administrator", () => {
  let opened;
  before(async () => {
    opened = await open(browser);
    await signIn(opened.page);
  });
  after(() => opened.done());

  it("finds, creates and deletes users", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/users`);
    await page.getByRole("button", { name: "Create user" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("User name").fill("identity-new");
    await dialog.getByLabel("E-mail").fill("nothing");
    await dialog.getByText("This is no e-mail address.").waitFor();
    await dialog.getByLabel("E-mail").fill("identity-new@example.com");
    await dialog.getByLabel("Password", { exact: true }).fill("short");
    await dialog.getByText("8 to 128 characters.", { exact: true }).waitFor();
    await dialog.getByLabel("Password", { exact: true }).fill(secret);
    assert.equal(await dialog.getByRole("button", { name: "Create user" }).isDisabled(), true);
    await dialog.getByLabel("Password, again").fill(secret);
    await dialog.getByRole("button", { name: "Create user" }).click();
    await page.getByText("The user identity-new is created.").waitFor();
    await page.getByLabel("Find a user").fill("identity-new");
    await page.waitForURL(/q=identity-new/);
    await page.getByRole("link", { name: "identity-dev" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "identity-new" }).click();
    await page.getByRole("heading", { level: 2, name: "identity-new" }).waitFor();
    await page.getByText("Signed in nowhere.").waitFor();
    await page.getByRole("button", { name: "Delete user" }).click();
    await dialog.getByLabel("Type identity-new to confirm").fill("identity-new");
    await dialog.getByRole("button", { name: "Delete user" }).click();
    await page.waitForURL(`${url}/admin/users`);
    await page.getByText("The user identity-new is deleted.").waitFor();
  });

  it("makes somebody an administrator, and takes it back", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/users?q=identity-temp`);
    await page.getByRole("button", { name: "Actions for identity-temp" }).click();
    await page.getByRole("menuitem", { name: "Make administrator" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Make administrator" }).click();
    const row = page.getByRole("row", { name: /identity-temp/ });
    await row.getByRole("cell", { name: "yes" }).waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).last().click();
    await row.getByRole("cell", { name: "yes" }).waitFor({ state: "detached" });
    const [user] = await read("/api/v2.0/users?q=username=identity-temp");
    assert.equal(user.sysadmin_flag, false);
  });

  it("sees that the mode can't change while there are users", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/sign-in`);
    await page.getByText("The mode can't change any more").waitFor();
    assert.equal(await page.getByRole("radio", { name: "An OpenID provider" }).isDisabled(), true);
  });

  it("learns at which step the test of a directory fails", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/sign-in?part=ldap`);
    await page.getByLabel("Address").fill("ldap://127.0.0.1:1");
    await page.getByLabel("Where people are").first().fill("dc=example,dc=com");
    await page.getByRole("button", { name: "Test the directory" }).click();
    await page.getByText("Reach the server: failed").waitFor();
    await page.getByText("nothing listens at the address in ldap_url").waitFor();
    await page.getByText("Sign in with the search account: not tried").waitFor();
    assert.equal((await read("/api/v2.0/configurations")).ldap_url.value, "", "what was tried isn't saved");
  });

  it("learns why the test of a provider fails", async () => {
    const { page, faults } = opened;
    await page.goto(`${url}/admin/sign-in?part=oidc`);
    await page.getByLabel("Issuer").fill("http://127.0.0.1:1");
    await refused(faults, 400, async () => {
      await page.getByRole("button", { name: "Test the provider" }).click();
      await page.getByText("Reach the provider and read its description: failed").waitFor();
    });
    await page.getByText("nothing listens there").waitFor();
  });

  it("changes how long a session lasts, and is told what isn't a number", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/sign-in?part=accounts`);
    const field = page.getByLabel("A session ends unused after minutes");
    await field.fill("soon");
    await page.getByText("A whole number, please.").waitFor();
    const save = page.getByRole("button", { name: "Save accounts and sessions" });
    assert.equal(await save.isDisabled(), true);
    await field.fill("61");
    await save.click();
    await page.getByText("Saved.").waitFor();
    assert.equal((await read("/api/v2.0/configurations")).session_timeout.value, 61);
    await ask("PUT", "/api/v2.0/configurations", { session_timeout: 60 });
  });

  it("adds a group of the provider, renames and deletes it", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/groups`);
    await page.getByRole("button", { name: "Add group" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("It comes from").selectOption("3");
    await dialog.getByLabel("Name of the group").fill("identity-builders");
    await dialog.getByRole("button", { name: "Add group" }).click();
    await page.getByRole("button", { name: "Rename identity-builders" }).click();
    await dialog.getByLabel("Name").fill("identity-makers");
    await dialog.getByRole("button", { name: "Rename group" }).click();
    await page.getByRole("button", { name: "Delete identity-makers" }).click();
    await dialog.getByLabel("Type identity-makers to confirm").fill("identity-makers");
    await dialog.getByRole("button", { name: "Delete group" }).click();
    await page.getByText("The group identity-makers is forgotten.").waitFor();
    await ask("POST", "/api/v2.0/usergroups", { group_name: "identity-staff", group_type: 3 });
  });

  it("makes a robot that may what the matrix says, and renews its secret", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/robots/new`);
    await page.getByLabel("Name", { exact: true }).fill("identity-ci");
    await page.getByLabel("Name of a project").fill("identity-team");
    await page.getByRole("button", { name: "Add project" }).click();
    await page.getByLabel("What it may do in identity-team").selectOption("push");
    await page.getByRole("button", { name: "Add the registry" }).click();
    await page.getByRole("group", { name: "Quotas" }).getByLabel("list").check();
    await page.getByRole("button", { name: "Create robot" }).click();
    await page.getByText("it is shown only this once").waitFor();
    await page.getByRole("button", { name: "Copy Secret" }).click();
    const first = await clipboard(page);
    await page.getByText("kubectl create secret docker-registry robot-identity-ci").waitFor();
    const name = "robot$identity-ci";
    await ask("GET", "/api/v2.0/projects/identity-team/repositories", undefined, [name, first]);
    const [robot] = await read("/api/v2.0/robots?q=name=~identity-ci");
    const access = Object.fromEntries(robot.permissions.map((each) => [each.namespace, each.access]));
    assert.deepEqual(access["/"], [{ resource: "quota", action: "list" }]);
    assert.ok(access["identity-team"].some(({ resource, action }) => resource === "repository" && action === "push"));

    await page.getByRole("link", { name: "I have copied it" }).click();
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("menuitem", { name: "Make a new secret" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("The present secret").selectOption("0");
    await dialog.getByRole("button", { name: "Make a new secret" }).click();
    await dialog.getByRole("button", { name: "Copy Secret" }).click();
    const second = await clipboard(page);
    assert.notEqual(second, first);
    await dialog.getByRole("button", { name: "I have copied it" }).click();
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("menuitem", { name: "Disable robot" }).click();
    await page.getByRole("cell", { name: "disabled" }).waitFor();
  });

  it("makes a policy for a CI's tokens, and tests a token against it", async () => {
    const { page } = opened;
    await page.goto(`${url}/admin/workloads`);
    await page.getByRole("link", { name: "Create policy" }).click();
    await page.getByRole("button", { name: "GitHub Actions" }).click();
    await page.getByLabel("Name", { exact: true }).fill("identity-github");
    await page.getByLabel("Name of a project").fill("identity-team");
    await page.getByRole("button", { name: "Add project" }).click();
    await page.getByRole("button", { name: "Create policy" }).click();
    await page.getByText("The policy identity-github is created.").waitFor();
    const claims = {
      iss: "https://token.actions.githubusercontent.com",
      aud: url,
      sub: "repo:acme/app:ref:refs/heads/main",
      exp: Math.floor(Date.now() / 1000) + 600,
      repository: "acme/app",
      ref: "refs/heads/main",
    };
    const field = page.getByLabel("Token, or its claims as JSON");
    await field.fill(JSON.stringify(claims));
    await page.getByRole("button", { name: "Test the token" }).click();
    await page.getByText("identity-github: lets it in").waitFor();
    // A whole token: what it says is read in the browser.
    const body = Buffer.from(JSON.stringify({ ...claims, ref: "refs/heads/other" })).toString("base64url");
    await field.fill(`e30.${body}.c2ln`);
    await page.getByRole("button", { name: "Test the token" }).click();
    await page.getByText("identity-github: doesn't fit").waitFor();
    await page.getByRole("link", { name: "identity-github" }).click();
    await page.getByText(`docker login ${host} -u workload/identity-github --password-stdin`).waitFor();
    await ask("POST", "/api/haven/v1/workload/policies", {
      name: "identity-gone",
      issuer: "https://ci.example.com",
      audience: url,
      condition: "true",
      permissions: [{ kind: "project", namespace: "*", access: [{ resource: "repository", action: "pull" }] }],
    });
    await page.goto(`${url}/admin/workloads?q=identity-gone`);
    await page.getByRole("link", { name: "identity-gone" }).click();
    await page.getByRole("button", { name: "Delete policy" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Type identity-gone to confirm").fill("identity-gone");
    await dialog.getByRole("button", { name: "Delete policy" }).click();
    await page.getByText("The policy identity-gone is deleted.").waitFor();
    await page.waitForURL(`${url}/admin/workloads`);
  });
});

describe("a developer", () => {
  it("is refused administration in words, and by the API", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "identity-dev", secret);
      assert.equal(await page.getByRole("link", { name: "Admin" }).count(), 0);
      await page.goto(`${url}/admin/users`);
      await page.getByText("This is for administrators of the registry.").waitFor();
      assert.equal(await page.getByRole("button", { name: "Create user" }).count(), 0);
    });
    const headers = { Authorization: `Basic ${btoa(`identity-dev:${secret}`)}` };
    assert.equal((await fetch(`${url}/api/v2.0/users`, { headers })).status, 403);
  });

  it("sees their roles, makes a token, and revokes it", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "identity-dev", secret);
      await page.goto(`${url}/me`);
      const mine = page.getByRole("region", { name: "Your projects" });
      await mine.getByRole("row", { name: /identity-team.*Developer/ }).waitFor();
      await page.getByRole("button", { name: "Make a token" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name of the token").fill("laptop");
      await dialog.getByLabel("Project").fill("identity-team");
      await dialog.getByRole("button", { name: "Make token" }).click();
      await dialog.getByRole("button", { name: "Copy Access token" }).click();
      const token = await clipboard(page);
      await ask("GET", "/api/v2.0/projects/identity-team/repositories", undefined, ["identity-dev", token]);
      await dialog.getByRole("button", { name: "I have copied it" }).click();
      const row = page.getByRole("row", { name: /laptop/ });
      await row.getByText("identity-team: pull").click();
      await row.getByText("repository: pull, list, read").waitFor();
      await row.getByRole("button", { name: "Revoke laptop" }).click();
      await dialog.getByRole("button", { name: "Revoke token" }).click();
      await page.getByText("There are no tokens.").waitFor();
    });
  });

  it("ends all other sessions", async () => {
    const elsewhere = await open(browser);
    await signIn(elsewhere.page, "identity-dev", secret);
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "identity-dev", secret);
      await page.goto(`${url}/me`);
      await page.getByRole("button", { name: "End all others" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "End sessions" }).click();
      await page.getByText("The sessions are ended.").waitFor();
      await page.getByRole("cell", { name: "this one" }).waitFor();
      await page.getByRole("button", { name: "End session" }).first().waitFor({ state: "detached" });
    });
    await elsewhere.page.goto(`${url}/me`);
    await elsewhere.page.getByText("Sign in to see whether you may read it.").waitFor();
    await elsewhere.done();
  });
});

describe("nobody", () => {
  it("has no role, and changes name, language and clock", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "identity-nobody", secret);
      await page.goto(`${url}/me`);
      await page.getByText("You have no role in a project.").waitFor();
      await page.getByLabel("Full name").fill("Nobody Anders");
      await page.getByRole("button", { name: "Save profile" }).click();
      await page.getByText("Saved.").waitFor();
      await page.getByLabel("Language").selectOption("de");
      await page.getByRole("heading", { name: "Zugriffstoken" }).or(page.getByRole("heading", { level: 1, name: /Konto/ })).first().waitFor();
    });
  });

  it("who isn't signed in is asked to sign in", async () => {
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${url}/admin/users`);
      await page.getByText("Sign in to see whether you may read it.").waitFor();
    });
  });
});
