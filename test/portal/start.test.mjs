import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { host, inspect, launch, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, push, read, secret } from "./registry.mjs";

let browser;
let digest;
before(async () => {
  await newProject("start-team");
  await newProject("start-open", { metadata: { public: "true" } });
  await newProject("start-full");
  await newPerson("start-dev", "start-team", "developer");
  await newPerson("start-guest", "start-open", "guest");
  push("start-team/back/start-app:1.0");
  push("start-team/back/start-app:1.1");
  push("start-open/start-shown:2.0");
  push("start-full/app:1");
  const [artifact] = await read("/api/v2.0/projects/start-team/repositories/back%252Fstart-app/artifacts");
  digest = artifact.digest;
  browser = await launch();
});
after(() => browser?.close());

const palette = (page) => page.getByRole("dialog", { name: "Search" });
const field = (page) => page.getByRole("combobox", { name: "Search everywhere" });

/** Opens the palette by its keys, and types or pastes. */
async function searchFor(page, text) {
  await page.keyboard.press("Control+k");
  await field(page).fill(text);
}

const line = (page, name) => palette(page).getByRole("option", { name });

/** What the palette shows when it has the answer to what was typed. */
async function settled(page) {
  await page.waitForTimeout(400);
  await palette(page).getByText("Searching").waitFor({ state: "detached" });
  return palette(page).getByRole("option").allInnerTexts();
}

/** Fails for all that the browser noted but refusals of one status. */
function only(faults, status) {
  assert.ok(faults.every((fault) => fault.includes(status)), faults.join("; "));
  faults.length = 0;
}

describe("searching everywhere", () => {
  it("leads an administrator from a pasted docker pull to the tag", async () => {
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await signIn(page);
      await searchFor(page, `docker pull ${host}/start-team/back/start-app:1.0`);
      const tag = line(page, "start-team/back/start-app:1.0");
      await tag.waitFor();
      assert.equal(await tag.getAttribute("aria-selected"), "true");
      await inspect(opened, "start-palette");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/p\/start-team\/r\/back\/start-app\/a\/sha256/);
      await page.getByRole("heading", { level: 1, name: "1.0" }).waitFor();
      // The other journeys pushed the same image: a digest alone finds some of its places.
      for (const [text, found] of [[digest, /:/], [digest.slice(7, 21), /:/], [`${host}/start-team/back/start-app@${digest}`, /^start-team\/back\/start-app:/]]) {
        await searchFor(page, text);
        await line(page, found).first().waitFor();
        await page.keyboard.press("Escape");
      }
      await searchFor(page, "create pro");
      await line(page, "Create project").click();
      await page.getByRole("dialog", { name: "Create project" }).getByLabel("Name").waitFor();
    });
  });

  it("works for a developer by keyboard alone, and remembers", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "start-dev", secret);
      await page.getByRole("heading", { name: "What needs you" }).waitFor();
      await page.keyboard.press("/");
      await field(page).waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "combobox");
      await page.keyboard.type("start");
      await line(page, "start-team/back/start-app").first().waitFor();
      const before = await field(page).getAttribute("aria-activedescendant");
      await page.keyboard.press("ArrowDown");
      assert.notEqual(await field(page).getAttribute("aria-activedescendant"), before);
      await page.keyboard.press("ArrowUp");
      await page.keyboard.type("-app");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/p\/start-team\/r\/back\/start-app$/);
      await page.getByRole("link", { name: "1.0", exact: true }).waitFor();
      await page.waitForTimeout(1800);
      await page.keyboard.press("/");
      await palette(page).getByRole("group", { name: "Recent" }).getByText("start-team/back/start-app").waitFor();
      await page.keyboard.press("Escape");
      await palette(page).waitFor({ state: "hidden" });
      await page.goto(`${url}/`);
      await page.getByRole("region", { name: "Recent" }).getByRole("link", { name: "start-team/back/start-app" }).click();
      await page.waitForURL(/back\/start-app$/);
    });
  });

  it("doesn't show a guest what is private", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "start-guest", secret);
      for (const text of ["start-app", "start-team", digest, digest.slice(7, 21), `docker pull ${host}/start-team/back/start-app:1.0`]) {
        await searchFor(page, text);
        const found = await settled(page);
        assert.ok(!found.some((each) => each.includes("start-team")), `${text}: ${found}`);
        await page.keyboard.press("Escape");
      }
      await searchFor(page, "start-shown");
      await line(page, "start-open/start-shown").first().waitFor();
      const found = await (await ask("GET", "/api/haven/v1/search?q=start-team", undefined, ["start-guest", secret])).json();
      assert.deepEqual([found.projects, found.repositories, found.tags, found.users], [[], [], [], []]);
    });
  });

  it("shows nobody what is public, and how to sign in", async () => {
    await visit(browser, { width: 390 }, async (opened) => {
      const { page } = opened;
      await page.goto(`${url}/projects`);
      await page.getByRole("button", { name: "Search" }).click();
      await field(page).fill("start");
      await line(page, "start-open/start-shown").first().waitFor();
      const found = await settled(page);
      assert.ok(!found.some((each) => each.includes("start-team")), found.join());
      await inspect(opened, "start-palette-nobody");
      await field(page).fill("create project");
      await page.getByText("Nothing that you may see is called create project.").waitFor();
      await field(page).fill("sign in");
      await line(page, "Sign in").click();
      await page.getByLabel("User name").waitFor();
    });
  });

  it("speaks German", async () => {
    await visit(browser, { locale: "de-AT" }, async ({ page }) => {
      await page.goto(`${url}/`);
      await page.getByLabel("Benutzername").waitFor();
      await page.getByRole("button", { name: "Suchen" }).click();
      const combo = page.getByRole("combobox", { name: "Überall suchen" });
      await combo.fill("start-shown");
      const dialog = page.getByRole("dialog", { name: "Suchen" });
      await dialog.getByRole("group", { name: "Repositorys" }).getByText("start-open/start-shown").waitFor();
      await combo.fill("gibt es nicht");
      await dialog.getByText("Nichts, was Sie sehen dürfen, heißt gibt es nicht.").waitFor();
    });
  });
});

describe("home", () => {
  it("tells an administrator what waits, and how the registry grew", async () => {
    const [quota] = (await read("/api/v2.0/quotas?page_size=100")).filter((each) => each.ref.name === "start-full");
    await ask("PUT", `/api/v2.0/quotas/${quota.id}`, { hard: { storage: Math.ceil(quota.used.storage * 1.05) } });
    await ask("POST", "/api/v2.0/robots", {
      name: "start-ci",
      level: "system",
      duration: 5,
      permissions: [{ kind: "project", namespace: "start-team", access: [{ resource: "repository", action: "pull" }] }],
    });
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await signIn(page);
      const needs = page.getByRole("region", { name: "What needs you" });
      await needs.getByText("start-full has used 95 % of its quota").waitFor();
      await needs.getByText(/The robot robot\$start-ci expires/).waitFor();
      assert.match(await needs.getByRole("link", { name: "Make room" }).getAttribute("href"), /^\/p\/start-full\/settings/);
      const storage = page.getByRole("slider", { name: "Storage, by day" });
      await storage.focus();
      await page.keyboard.press("Home");
      assert.match(await storage.getAttribute("aria-valuetext"), /: [\d.]+ [KMG]?i?B$/);
      await page.getByText("The same as a table").click();
      await page.getByRole("table", { name: "The registry by day" }).getByRole("cell").first().waitFor();
      await inspect(opened, "start-home");
    });
  });

  it("tells a developer of an own token, and of nothing that is for others", async () => {
    const token = {
      name: "start-laptop",
      expires_at: new Date(Date.now() + 3 * 86_400_000).toISOString(),
      permissions: [{ kind: "project", namespace: "start-team", access: [{ resource: "repository", action: "pull" }] }],
    };
    await ask("POST", "/api/haven/v1/tokens", token, ["start-dev", secret]);
    await visit(browser, {}, async ({ page, faults }) => {
      await signIn(page, "start-dev", secret);
      const needs = page.getByRole("region", { name: "What needs you" });
      await needs.getByText("Your token start-laptop expires").waitFor();
      await needs.getByRole("link", { name: "Renew the token" }).click();
      await page.waitForURL(/\/me/);
      await page.goto(`${url}/`);
      await page.getByRole("link", { name: "start-team", exact: true }).first().waitFor();
      assert.equal(await page.getByRole("slider").count(), 0);
      assert.equal(await page.getByText("start-full").count(), 0);
      const status = await page.evaluate(async () => (await fetch("/api/haven/v1/trends")).status);
      assert.equal(status, 403);
      only(faults, "403");
      await page.goto(`${url}/welcome`);
      await page.getByText("This is for administrators of the registry.").waitFor();
    });
  });

  it("says that all is well where it is", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "start-guest", secret);
      await page.getByText("All is well.").waitFor();
    });
  });
});

describe("setting up", () => {
  it("goes step by step, goes on where it was left, and isn't offered again", async () => {
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await signIn(page);
      await page.goto(`${url}/welcome?step=password`);
      await page.getByText("Your password is one that you chose.").waitFor();
      await page.getByRole("button", { name: "Next step" }).click();
      await page.getByText("The registry answers to this browser.").waitFor();
      await page.getByText(`docker pull ${host}/my-team/my-app:1.0`).waitFor();
      await inspect(opened, "start-address");
      await page.getByRole("button", { name: "Next step" }).click();
      await page.getByText("The database answers.").waitFor();
      await page.getByText("Images may be written.").waitFor();
      await page.goto(`${url}/welcome`);
      await page.getByRole("heading", { level: 2, name: "Storage" }).waitFor();
      await page.getByRole("button", { name: "Skip this step" }).click();
      await page.getByText(/docker push .*my-app:1.0/).waitFor();
      await page.getByRole("button", { name: "Finish" }).click();
      await page.getByRole("heading", { level: 1, name: "Hello, " }).waitFor();
      assert.equal(await page.getByRole("link", { name: "Set up Haven" }).count(), 0);
    });
  });
});

describe("ways in", () => {
  it("keeps the deep link through the sign-in page, and leads nowhere else", async () => {
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${url}/p/start-open/r/start-shown?q=2`);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.waitForURL(/\/account\/sign-in\?next=/);
      await page.getByLabel("User name").fill("start-guest");
      await page.getByLabel("Password", { exact: true }).fill(secret);
      await page.locator("form").getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(/\/p\/start-open\/r\/start-shown\?q=/);
      await page.getByRole("link", { name: "2.0", exact: true }).waitFor();
      await page.goto(`${url}/account/sign-in?next=//evil.example/`);
      await page.getByRole("main").getByRole("link", { name: "Go on" }).click();
      await page.getByRole("heading", { level: 1, name: "Hello, " }).waitFor();
      assert.equal(new URL(page.url()).host, host);
    });
  });

  it("offers the search where no page is", async () => {
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await page.goto(`${url}/start/nowhere`);
      await page.getByRole("heading", { level: 1, name: "There is no such page" }).waitFor();
      await inspect(opened, "start-nowhere");
      await page.getByRole("button", { name: "Search everywhere" }).click();
      await field(page).fill("start-shown");
      await line(page, "start-open/start-shown").first().click();
      await page.waitForURL(/\/p\/start-open\/r\/start-shown$/);
    });
  });
});

describe("nothing jumps", () => {
  it("while home, projects and a repository load", async () => {
    await visit(browser, { width: 1440 }, async ({ page }) => {
      await signIn(page);
      for (const path of ["/", "/projects", "/p/start-team", "/p/start-team/r/back/start-app"]) {
        await page.goto(url + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.locator("[data-loading]").first().waitFor({ state: "detached" });
        await page.waitForTimeout(500);
        const shift = await page.evaluate(
          () =>
            new Promise((resolve) => {
              let sum = 0;
              new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
              }).observe({ type: "layout-shift", buffered: true });
              setTimeout(() => resolve(sum), 200);
            }),
        );
        assert.ok(shift <= 0.02, `${path} moves by ${shift}`);
      }
    });
  });
});
