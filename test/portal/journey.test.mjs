import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { clipboard, host, inspect, launch, open, password, signIn, url, visit } from "./browser.mjs";
import { ask, push, sign } from "./registry.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

describe("from signing in to signing out", () => {
  let opened;
  before(async () => {
    opened = await open(browser);
  });
  after(() => opened.done());

  it("refuses a wrong password in words", async () => {
    const { page, faults } = opened;
    await page.goto(`${url}/`);
    await page.getByText("Public projects").first().waitFor();
    await page.getByRole("link", { name: "open", exact: true }).waitFor();
    await page.getByLabel("User name").fill("admin");
    await page.getByLabel("Password", { exact: true }).fill("Wrong-12345");
    await page.getByLabel("Password", { exact: true }).press("Enter");
    await page.getByRole("alert").getByText("do not belong together").waitFor();
    assert.equal(await page.getByLabel("User name").inputValue(), "admin");
    // The browser itself notes the refusal; nothing else may be on the console.
    assert.equal(faults.length, 1, faults.join("; "));
    assert.match(faults.pop(), /401/);
  });

  it("signs in, with a cookie that scripts can't read", async () => {
    const { page } = opened;
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.locator("form").getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { level: 1, name: "Hello, " }).waitFor();
    const sid = (await page.context().cookies()).find((cookie) => cookie.name === "sid");
    assert.deepEqual([sid.httpOnly, sid.sameSite, sid.path], [true, "Strict", "/"]);
    assert.ok(!(await page.evaluate(() => document.cookie)).includes("sid"));
  });

  it("creates a project and shows how to push to it, with this host", async () => {
    const { page } = opened;
    await page.getByRole("button", { name: "Create project" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Team One");
    await dialog.getByText("Lower-case letters and digits").waitFor();
    await inspect(opened, "create");
    await dialog.getByLabel("Name").fill("team-one");
    await dialog.getByRole("button", { name: "Create project" }).click();
    await page.waitForURL(`${url}/p/team-one`);
    await page.getByText(`docker push ${host}/team-one/my-app:1.0`).waitFor();
    await inspect(opened, "empty-project");
    await page.getByRole("button", { name: `Copy command docker login ${host} -u admin` }).click();
    assert.equal(await clipboard(page), `docker login ${host} -u admin`);
    await page.getByRole("tab", { name: "helm" }).click();
    await page.getByText(`oci://${host}/team-one`).waitFor();
  });

  it("says that a name is taken", async () => {
    const { page, faults } = opened;
    await page.goto(`${url}/projects`);
    await page.getByRole("link", { name: "team-one" }).waitFor();
    await page.getByRole("button", { name: "Create project" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("team-one");
    await dialog.getByRole("button", { name: "Create project" }).click();
    await dialog.getByText("There is a project of this name already").waitFor();
    assert.match(faults.pop(), /409/);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  });

  it("shows what was pushed: repository, tag, digest, pull command", async () => {
    const { page } = opened;
    push("team-one/backend/my-app:1.0");
    await page.goto(`${url}/p/team-one`);
    await page.getByRole("link", { name: "backend/my-app" }).click();
    await page.waitForURL(`${url}/p/team-one/r/backend/my-app`);
    await page.getByRole("link", { name: "1.0", exact: true }).waitFor();
    const reference = `${host}/team-one/backend/my-app:1.0`;
    await page.getByRole("tab", { name: "docker" }).click();
    await page.getByText(`docker pull ${reference}`, { exact: true }).waitFor();
    await page.getByRole("button", { name: "Copy pull command of 1.0" }).click();
    assert.equal(await clipboard(page), `docker pull ${reference}`);
    await page.getByText("linux/amd64").first().waitFor();
    await page.getByRole("button", { name: /Copy digest/ }).click();
    assert.match(await clipboard(page), /^sha256:[0-9a-f]{64}$/);
    await page.getByLabel("Find a tag").fill("2.");
    await page.getByText("No tag has this in its name.").waitFor();
    assert.match(page.url(), /[?&]q=/);
    await page.goBack();
  });

  it("shows one artifact: what it is and how it was built", async () => {
    const { page } = opened;
    await page.goto(`${url}/p/team-one/r/backend/my-app`);
    await page.getByRole("link", { name: "1.0", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "1.0" }).waitFor();
    await page.getByText(`docker pull ${host}/team-one/backend/my-app@sha256:`).waitFor();
    await page.getByRole("link", { name: "Layers" }).click();
    await page.getByText("COPY two").waitFor();
  });

  it("shows who signed it and whom the project trusts, and gives the policy to a cluster", async () => {
    const { page } = opened;
    await page.getByRole("link", { name: "Signatures" }).click();
    await page.waitForURL(/tab=signatures/);
    const artifact = page.url();
    const image = `${host}/team-one/backend/my-app@sha256:${artifact.match(/sha256(?::|%3A)([0-9a-f]{64})/)[1]}`;
    const [theirs, ours] = [sign("theirs", image), sign("ours", image)];
    const key = readFileSync(`${process.env.DOCKER_CONFIG}/ours.pub`, "utf8");
    await ask("PUT", "/api/haven/v1/projects/team-one/signature-policy", { signers: [{ name: "ci", keys: [key] }], signed_before_tag: true });
    theirs();
    await page.reload();
    await page.getByText("Not signed as the project's trust policy demands: it needs a signature").waitFor();
    await page.getByText("Unverified").waitFor();
    await inspect(opened, "unsigned");
    ours();
    await page.reload();
    await page.getByText("Signed as the project's trust policy demands.").waitFor();
    await page.getByText(/^ci · key SHA256:/).waitFor();

    await page.goto(`${url}/p/team-one`);
    await page.getByText("It trusts: ci.").waitFor();
    const [saved] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "ClusterPolicy" }).click(),
    ]);
    assert.equal(saved.suggestedFilename(), "team-one-clusterpolicy.yaml");
    assert.match(readFileSync(await saved.path(), "utf8"), /kind: ClusterPolicy[^]*BEGIN PUBLIC KEY/);
  });

  it("shows how machines pull through a cache", async () => {
    const { page } = opened;
    const credential = { type: "basic", access_key: "admin", access_secret: password };
    const made = await ask("POST", "/api/v2.0/registries", { name: "upstream", type: "docker-registry", url, credential });
    const id = Number(made.headers.get("Location").split("/").pop());
    await ask("POST", "/api/v2.0/projects", { project_name: "hub", registry_id: id });
    await page.goto(`${url}/p/hub`);
    await page.getByRole("heading", { name: "Pull through this cache" }).waitFor();
    await page.getByRole("tab", { name: "containerd" }).click(); // the tool that was used last comes first
    await page.getByText("override_path = true").waitFor();
    await page.getByRole("tab", { name: "podman" }).click();
    await page.getByText(`location = "${host}/hub"`).waitFor();
    assert.equal(await page.getByText("docker push").count(), 0);
  });

  it("signs out and forgets", async () => {
    const { page } = opened;
    await page.getByRole("button", { name: "admin", exact: true }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByLabel("User name").waitFor();
    assert.ok(!(await page.context().cookies()).some((cookie) => cookie.name === "sid"));
    assert.equal(await page.getByText("team-one").count(), 0);
  });
});

describe("who may not", () => {
  it("is asked to sign in as nobody, and told whom to ask as somebody", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await page.goto(`${url}/p/team-one`);
      await page.getByText("This is not public.").waitFor();
      await signIn(page, "guest", "Guest-test-12345");
      await page.goto(`${url}/p/team-one`);
      await page.getByText("ask one of its admins").waitFor();
      await page.goto(`${url}/p/open`);
      await page.getByText("Nothing was pushed to this project yet.").waitFor();
      assert.equal(await page.getByText("docker push").count(), 0);
      assert.ok(faults.length > 0 && faults.every((fault) => /40[13]/.test(fault)), faults.join("; "));
      faults.length = 0;
    });
  });
});

describe("a password", () => {
  it("changes, and the browser stays signed in", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await signIn(page, "guest", "Guest-test-12345");
      await page.goto(`${url}/me`);
      const fill = async (old, next) => {
        await page.getByLabel("Current password").fill(old);
        await page.getByLabel("New password", { exact: true }).fill(next);
        await page.getByLabel("New password, again").fill(next);
        await page.getByRole("button", { name: "Change password" }).click();
      };
      await fill("Wrong-test-12345", "Guest-test-67890");
      await page.getByText("This is not your current password.").waitFor();
      assert.match(faults.pop(), /403/);
      await fill("Guest-test-12345", "Guest-test-67890");
      await page.getByText("The password is changed.").waitFor();
      await page.goto(`${url}/projects`);
      await page.getByRole("button", { name: "guest" }).waitFor();
    });
  });
});

describe("by keyboard alone", () => {
  it("signs in, reaches a tag, copies, and signs out", async () => {
    await visit(browser, {}, async ({ page }) => {
      const focused = () =>
        page.evaluate(() => {
          const element = document.activeElement;
          return element.getAttribute("aria-label") ?? element.innerText ?? element.id;
        });
      const tabTo = async (text) => {
        for (let presses = 0; presses < 60; presses++) {
          if ((await focused())?.trim() === text) return;
          await page.keyboard.press("Tab");
        }
        assert.fail(`Tab never reaches ${text}`);
      };
      await page.goto(`${url}/`);
      await page.getByLabel("User name").waitFor();
      await page.keyboard.press("Tab");
      assert.equal(await focused(), "Skip to the content");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.type("admin");
      await page.keyboard.press("Tab");
      await page.keyboard.type(password);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Hello, " }).waitFor();
      for (const [link, heading] of [
        ["team-one", "team-one"],
        ["backend/my-app", "backend/my-app"],
      ]) {
        await page.getByRole("link", { name: link, exact: true }).waitFor();
        await tabTo(link);
        const outline = await page.evaluate(
          () => getComputedStyle(document.activeElement).outlineStyle,
        );
        assert.notEqual(outline, "none", `${link} shows no focus`);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      }
      await page.getByRole("link", { name: "1.0", exact: true }).waitFor();
      await tabTo("Copy pull command of 1.0");
      await page.keyboard.press("Enter");
      assert.equal(await clipboard(page), `docker pull ${host}/team-one/backend/my-app:1.0`);
      await page.evaluate(() => document.activeElement.blur());
      await tabTo("admin");
      await page.keyboard.press("Enter");
      await page.getByRole("menu").waitFor();
      for (let presses = 0; presses < 12 && (await focused()) !== "Sign out"; presses++) {
        await page.keyboard.press("ArrowDown");
      }
      assert.equal(await focused(), "Sign out");
      await page.keyboard.press("Enter");
      await page.getByLabel("User name").waitFor();
    });
  });
});

describe("in German", () => {
  it("speaks it by the browser's wish, and English by choice", async () => {
    await visit(browser, { locale: "de-AT", width: 360 }, async (opened) => {
      const { page } = opened;
      await page.goto(`${url}/`);
      await page.getByLabel("Benutzername").waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
      await inspect(opened, "home-german");
      await page.getByRole("button", { name: "Ansicht" }).click();
      await page.getByRole("menuitemradio", { name: "English" }).click();
      await page.getByLabel("User name").waitFor();
      await page.reload();
      await page.getByLabel("User name").waitFor();
    });
  });
});
