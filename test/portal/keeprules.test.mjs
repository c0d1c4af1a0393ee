// What stays, what doesn't move, what was deleted, and what a cache does.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { inspect, launch, password, signIn, url, visit } from "./browser.mjs";
import { pushImage } from "./images.mjs";
import { ask, newPerson, newProject, read, secret } from "./registry.mjs";

let browser;
before(async () => {
  browser = await launch();
  await newProject("keeprules");
  await newProject("keeprules-lost");
  for (const [name, role] of [["boss", "admin"], ["keeper", "maintainer"], ["maker", "developer"], ["looker", "guest"]]) {
    await newPerson(`keeprules-${name}`, "keeprules", role);
  }
  for (const n of [1, 2, 3, 4, 5]) await pushImage(`keeprules/web:v${n}`);
  for (const n of [1, 2, 3]) await pushImage(`keeprules/api:r${n}`);
  await pushImage("keeprules-lost/app:1");
});
after(() => browser.close());

const settings = `${url}/p/keeprules/settings`;

/** A page of somebody who is signed in, once the address is there. */
function as(name, address, steps, options) {
  return visit(browser, options, async (opened) => {
    await signIn(opened.page, ...(name === "admin" ? [] : [`keeprules-${name}`, secret]));
    await opened.page.goto(address);
    await steps(opened);
  });
}

async function tagsOf(repository) {
  const artifacts = await read(`/api/v2.0/projects/keeprules/repositories/${repository}/artifacts?with_tag=true&page_size=100`);
  return artifacts.flatMap((each) => (each.tags ?? []).map((tag) => tag.name)).sort();
}

/** The row of a table that a text is in, the innermost where rows have tables below them. */
const row = (page, text) => page.getByRole("row").filter({ hasText: text }).last();

describe("retention", () => {
  it("shows a developer while writing what rules would make of the artifacts, and saves them", async () => {
    await as("maker", `${settings}/retention`, async (opened) => {
      const { page, faults } = opened;
      await page.getByText("There are no rules: everything stays.").waitFor();
      await page.getByText("All 8 artifacts here would stay.").waitFor();
      await page.getByRole("button", { name: "Add rule" }).click();
      await page.getByLabel("How many").fill("2");
      await page.getByText("4 would go").waitFor();
      await page.getByRole("group", { name: "Tags" }).getByLabel("Tags: pattern").fill("regex:(");
      await page.getByText("What the rules would do in").waitFor();
      await page.getByRole("group", { name: "Tags" }).getByLabel("Tags: pattern").fill("v*");
      // Of api, whose tags are others, nothing is kept.
      await page.getByText("6 would go").waitFor();
      assert.ok(faults.splice(0).every((fault) => /400/.test(fault))); // the browser notes the pattern that can't be
      await page.getByRole("group", { name: "Repositories" }).getByLabel("Repositories: pattern").fill("web");
      await page.getByText("3 would go").waitFor();
      await row(page, "api").getByText("none is about it").waitFor();
      await page.getByRole("button", { name: "Artifacts of web" }).click();
      await row(page, "v3").getByText("Goes").waitFor();
      await row(page, "v5").getByText("rule 1: Keep the 2 pushed last").waitFor();
      await page.getByLabel("When it is carried out").selectOption("custom");
      await page.getByLabel("Schedule").fill("0 0 25 * * *");
      await page.getByText("This is no schedule").waitFor();
      assert.ok(await page.getByRole("button", { name: "Save policy" }).isDisabled());
      await page.getByLabel("Schedule").fill("0 0 3 1 1 *");
      await page.getByText("The next times:").waitFor();
      await inspect(opened, "keeprules-editing");
      assert.ok(await page.getByText("Save a policy first").isVisible());
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("The retention policy was saved.").waitFor();
      await page.getByText("The policy was not carried out yet.").waitFor();
    });
    assert.deepEqual(await tagsOf("web"), ["v1", "v2", "v3", "v4", "v5"]);
  });

  it("tries them in a dry run, which deletes nothing, and offers a developer no undo", async () => {
    await as("maker", `${settings}/retention`, async (opened) => {
      const { page } = opened;
      await page.getByRole("button", { name: "Try in a dry run" }).click();
      await page.getByRole("heading", { name: /Dry run \d+/ }).waitFor();
      await page.getByText("Nothing is deleted: it only tells what would go.").waitFor();
      await row(page, "v3").getByText("Would go").waitFor();
      await page.getByText("Rule 1 keeps 2.").waitFor();
      await inspect(opened, "keeprules-dry-run");
      assert.equal(await page.getByRole("button", { name: "Undo run" }).count(), 0);
      assert.equal(await page.getByRole("link", { name: "Trash", exact: true }).count(), 0);
      assert.equal(await page.getByRole("link", { name: "Tag rules" }).count(), 0);
    });
    assert.equal((await tagsOf("web")).length, 5);
  });

  it("carries them out, and brings all of it back when the run is undone", async () => {
    await as("keeper", `${settings}/retention`, async (opened) => {
      const { page } = opened;
      await page.getByRole("button", { name: "Run policy now" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("What no rule keeps is deleted in keeprules.").waitFor();
      await dialog.getByRole("button", { name: "Run policy now" }).click();
      await page.getByRole("heading", { name: /^Run \d+/ }).waitFor();
      await row(page, "v1").getByText("Deleted").waitFor();
      await page.getByText("Can be undone").waitFor();
      await inspect(opened, "keeprules-run");
      assert.deepEqual(await tagsOf("web"), ["v4", "v5"]);
      await page.getByRole("button", { name: "Undo run" }).click();
      await page.getByText("Restored: 3 artifacts").waitFor();
      await page.getByText("Nothing that it deleted is kept to be restored.").waitFor();
    });
    assert.deepEqual(await tagsOf("web"), ["v1", "v2", "v3", "v4", "v5"]);
  });

  it("takes back a policy that was saved", async () => {
    await as("boss", `${settings}/retention`, async ({ page }) => {
      await page.getByRole("button", { name: "Disable rule 1" }).click();
      await page.getByText("All 8 artifacts here would stay.").waitFor();
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("The retention policy was saved.").waitFor();
      await page.getByRole("button", { name: "Enable rule 1" }).waitFor();
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await page.getByRole("button", { name: "Disable rule 1" }).waitFor();
      await page.getByText("3 would go").waitFor();
    });
  });

  it("has a default for all projects, which a project may refuse", async () => {
    await as("admin", `${url}/admin/retention`, async (opened) => {
      const { page, faults } = opened;
      await page.getByText("There are no rules: everything stays.").waitFor();
      faults.splice(0); // the browser notes that there is no default yet
      await page.getByRole("button", { name: "Add rule" }).click();
      await page.getByLabel("How many").fill("3");
      await page.getByRole("combobox", { name: "Project" }).fill("keeprules");
      await page.getByRole("option", { name: "keeprules", exact: true }).click();
      await page.getByText("2 would go").waitFor();
      await page.getByRole("button", { name: "Save default policy" }).click();
      await page.getByText("The default policy was saved.").waitFor();
    });
    await as("boss", `${settings}/retention`, async ({ page }) => {
      const mode = page.getByRole("region", { name: "The registry's default policy" });
      await mode.getByLabel("besides the project's own").check();
      await mode.getByRole("button", { name: "Save choice" }).click();
      await page.getByText("By the registry's default policy").waitFor();
      await page.getByText("2 would go").waitFor(); // what the default keeps stays, too
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await page.getByText("By the registry's default policy").waitFor({ state: "detached" });
    });
    const { default: mode } = await read("/api/haven/v1/projects/keeprules/retention");
    assert.equal(mode, "unless_own");
  });
});

describe("tag rules", () => {
  it("show what they are about, keep a tag from being deleted, and say why", async () => {
    await as("boss", `${settings}/tag-rules`, async (opened) => {
      const { page } = opened;
      await page.getByText("No rule protects tags here").waitFor();
      await page.getByText("Harbor calls it immutable.").waitFor();
      await page.getByRole("button", { name: "Add tag rule" }).click();
      await page.getByText("Type a pattern of tags").waitFor();
      await page.getByRole("group", { name: "Tags" }).getByLabel("Tags: pattern").fill("v1");
      await page.getByText("The rule is about one artifact").waitFor();
      await page.getByLabel("Reason").fill("it is in production");
      await inspect(opened, "keeprules-tag-rule");
      await page.getByRole("button", { name: "Save tag rule" }).click();
      await row(page, "it is in production").getByText("In force").waitFor();
      await page.goto(`${settings}/retention`);
      await page.getByText("2 would go").waitFor();
      await page.getByRole("button", { name: "Artifacts of web" }).click();
      await row(page, "v1").getByText("a rule about tags forbids to delete it").waitFor();
    });
    const refused = await ask("DELETE", "/api/v2.0/projects/keeprules/repositories/web/artifacts/v1/tags/v1").catch((error) => error);
    assert.match(refused.message, /412 .*configured as immutable, cannot be deleted \(rule \d+: tags v1 of \*\*\)/);
    assert.equal((await read("/api/v2.0/projects/keeprules/immutabletagrules")).length, 1);
  });

  it("are disabled with a way back, and deleted after a question", async () => {
    await as("keeper", `${settings}/tag-rules`, async ({ page }) => {
      await page.getByRole("button", { name: /^Disable Neither/ }).click();
      await row(page, "it is in production").getByText("Disabled").waitFor();
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await row(page, "it is in production").getByText("In force").waitFor();
      await page.getByRole("button", { name: /^Delete Neither/ }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Delete tag rule" }).click();
      await page.getByText("No rule protects tags here").waitFor();
    });
  });

  it("hold, so that only two administrators together end it", async () => {
    await newPerson("keeprules-second");
    const { user_id: second } = (await read("/api/v2.0/users/search?username=keeprules-second"))[0];
    await ask("PUT", `/api/v2.0/users/${second}/sysadmin`, { sysadmin_flag: true });
    await as("boss", `${settings}/tag-rules`, async (opened) => {
      const { page } = opened;
      await page.getByRole("button", { name: "Add tag rule" }).click();
      await page.getByRole("group", { name: "Tags" }).getByLabel("Tags: pattern").fill("r1");
      await page.getByLabel("Legal hold").check();
      await page.getByRole("button", { name: "Save tag rule" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Type keeprules to confirm").fill("keeprules");
      await dialog.getByRole("button", { name: "Begin legal hold" }).click();
      await row(page, "r1").getByText("Holds").waitFor();
      await dialog.waitFor({ state: "detached" });
      assert.equal(await page.getByRole("button", { name: /^Release/ }).count(), 0);
      assert.equal(await page.getByRole("button", { name: /^Delete Legal/ }).count(), 0);
      await inspect(opened, "keeprules-hold");
    });
    for (const [name, said] of [["admin", "Another system administrator has to agree."], ["second", "The hold has ended."]]) {
      await as(name, `${settings}/tag-rules`, async ({ page }) => {
        await page.getByRole("button", { name: /^Release Legal/ }).click();
        await page.getByLabel("Your reason").fill("the case is closed");
        await page.getByRole("button", { name: "Release hold" }).click();
        await page.getByText(said).waitFor();
      });
    }
  });
});

describe("trash", () => {
  it("brings back one artifact of a repository that was deleted, and then the others", async () => {
    await ask("DELETE", "/api/v2.0/projects/keeprules/repositories/api");
    await as("keeper", `${settings}/trash`, async (opened) => {
      const { page } = opened;
      await row(page, "Repository api").getByText("admin").waitFor();
      await page.getByRole("button", { name: "Contents of Repository api" }).click();
      await page.getByRole("button", { name: "Restore r2 alone" }).waitFor();
      await inspect(opened, "keeprules-trash");
      await page.getByRole("button", { name: "Restore r2 alone" }).click();
      await page.getByText("Restored: one artifact").waitFor();
      assert.deepEqual(await tagsOf("api"), ["r2"]);
      assert.equal(await page.getByRole("button", { name: /for good/ }).count(), 0);
      assert.equal(await page.getByRole("button", { name: "Empty trash" }).count(), 0);
      await page.getByLabel("Choose all that are shown").check();
      await page.getByRole("button", { name: /^Restore \d deletions/ }).click();
      await page.getByText("The trash is empty.").waitFor();
    });
    assert.deepEqual(await tagsOf("api"), ["r1", "r2", "r3"]);
  });

  it("is searched, and emptied by a project admin who types the name", async () => {
    await ask("DELETE", "/api/v2.0/projects/keeprules/repositories/web/artifacts/v2/tags/v2");
    await ask("DELETE", "/api/v2.0/projects/keeprules/repositories/web/artifacts/v3");
    await as("boss", `${settings}/trash`, async ({ page }) => {
      await page.getByLabel("Repository, tag, digest or person").fill(":v2");
      await row(page, "Artifact web:v3").waitFor({ state: "detached" });
      await row(page, "Tag web:v2").waitFor();
      assert.match(page.url(), /q=/);
      await page.getByLabel("Repository, tag, digest or person").fill("");
      await page.getByRole("button", { name: "Delete Tag web:v2 for good" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Type web to confirm").fill("web");
      await dialog.getByRole("button", { name: "Delete for good" }).click();
      await row(page, "Tag web:v2").waitFor({ state: "detached" });
      await page.getByRole("button", { name: "Empty trash" }).click();
      await dialog.getByLabel("Type keeprules to confirm").fill("keeprule");
      assert.ok(await dialog.getByRole("button", { name: "Empty trash" }).isDisabled());
      await dialog.getByLabel("Type keeprules to confirm").fill("keeprules");
      await dialog.getByRole("button", { name: "Empty trash" }).click();
      await page.getByText("The trash is empty.").waitFor();
    });
    assert.deepEqual(await read("/api/haven/v1/projects/keeprules/trash"), []);
  });

  it("gives an administrator a deleted project back, with its repositories", async () => {
    await ask("DELETE", "/api/v2.0/projects/keeprules-lost/repositories/app");
    await ask("DELETE", "/api/v2.0/projects/keeprules-lost");
    await as("admin", `${url}/admin/trash`, async (opened) => {
      const { page } = opened;
      await inspect(opened, "keeprules-admin-trash");
      await page.getByRole("button", { name: "Restore project keeprules-lost" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Restore project" }).click();
      await page.getByText("The project keeprules-lost is back.").waitFor();
    });
    assert.equal((await read("/api/v2.0/projects/keeprules-lost/repositories")).length, 1);
    // Something for whoever looks at the pages.
    await ask("DELETE", "/api/v2.0/projects/keeprules-lost/repositories/app");
    await ask("DELETE", "/api/v2.0/projects/keeprules-lost");
    await ask("DELETE", "/api/v2.0/projects/keeprules/repositories/web/artifacts/v1");
    await ask("POST", "/api/haven/v1/projects/keeprules/tagrules", { repositories: "**", tags: "semver:>=1.0.0", no_move: true, no_delete: false, reason: "releases stay" });
  });
});

describe("a cache", () => {
  before(async () => {
    const credential = { type: "basic", access_key: "admin", access_secret: password };
    const made = await ask("POST", "/api/v2.0/registries", { name: "keeprules-upstream", type: "docker-registry", url, credential });
    const id = Number(made.headers.get("Location").split("/").pop());
    await newProject("keeprules-cache", { registry_id: id });
    await ask("POST", "/api/v2.0/projects/keeprules-cache/members", { role_id: 1, member_user: { username: "keeprules-boss" } });
    await ask("POST", "/api/v2.0/projects/keeprules-cache/members", { role_id: 4, member_user: { username: "keeprules-keeper" } });
  });

  it("is set up by its admin, and shows how its registry is", async () => {
    await as("boss", `${url}/p/keeprules-cache/settings/proxy`, async (opened) => {
      const { page } = opened;
      await page.getByText("keeprules-upstream").first().waitFor();
      assert.equal(await page.getByRole("link", { name: "Tag rules" }).count(), 0);
      await page.getByLabel("when its last answer is old").check();
      assert.ok(await page.getByRole("button", { name: "Save settings of the cache" }).isDisabled());
      await page.getByLabel("An answer is old after", { exact: true }).fill("2");
      await page.getByRole("button", { name: "Save settings of the cache" }).click();
      await page.getByText("The settings of the cache were saved.").waitFor();
      await page.getByLabel("Only repositories of this name there").fill("library/**");
      await page.getByRole("button", { name: "Save what is fetched" }).click();
      await page.getByText("What is fetched was saved.").waitFor();
      await inspect(opened, "keeprules-proxy");
    });
    const policy = await read("/api/haven/v1/projects/keeprules-cache/proxy");
    assert.deepEqual([policy.freshness, policy.max_age_seconds, policy.keep_days], ["max_age", 7200, 7]);
    const { metadata } = await read("/api/v2.0/projects/keeprules-cache");
    assert.equal(metadata.proxy_cache_filter_pattern, "library/**");
  });

  it("lets a maintainer look and not change", async () => {
    await as("keeper", `${url}/p/keeprules-cache/settings/proxy`, async ({ page }) => {
      assert.ok(await page.getByLabel("Days to keep what nobody pulls").isDisabled());
    });
  });
});

describe("who may not", () => {
  it("isn't offered it, and is told who may", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await signIn(page, "keeprules-looker", secret);
      await page.goto(`${url}/p/keeprules`);
      await page.getByRole("heading", { level: 1, name: "keeprules" }).waitFor();
      for (const [path, words] of [
        ["retention", "is for its developers, maintainers and admins"],
        ["tag-rules", "are for its maintainers and admins"],
        ["trash", "is for its maintainers and admins"],
      ]) {
        await page.goto(`${settings}/${path}`);
        await page.getByText(words).waitFor();
        assert.equal(await page.getByRole("link", { name: "Retention" }).count(), 0);
      }
      assert.ok(faults.every((fault) => /403/.test(fault)), faults.join("; "));
      faults.splice(0);
    });
  });

  it("is asked to sign in first", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await page.goto(`${settings}/retention`);
      await page.getByLabel("User name").waitFor();
      assert.ok(faults.every((fault) => /40[13]/.test(fault)), faults.join("; "));
      faults.splice(0);
    });
  });
});
