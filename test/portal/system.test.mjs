// What the registry does and has: its administrator's journeys, and who is refused.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { clipboard, host, inspect, launch, password, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, read, secret } from "./registry.mjs";
import { pages } from "./pages/system.mjs";

let browser;
before(async () => {
  browser = await launch();
  await newProject("system-one");
  await newPerson("system-dev", "system-one", "developer");
});
after(() => browser.close());

/** A visit of the administrator to one page. */
function administer(path, steps) {
  return visit(browser, {}, async (opened) => {
    await signIn(opened.page);
    await opened.page.goto(url + path);
    await steps(opened.page, opened);
  });
}

/** The browser itself notes each refusal; exactly this one may be there. */
function refused({ faults }, status) {
  assert.equal(faults.length, 1, faults.join("; "));
  assert.match(faults.pop(), status);
}

describe("who may administer the system", () => {
  it("a developer isn't offered it, and is refused in words where the address is forced", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "system-dev", secret);
      assert.equal(await page.getByRole("link", { name: "Admin", exact: true }).count(), 0);
      for (const path of Object.values(pages).filter((each) => each.startsWith("/admin"))) {
        await page.goto(url + path);
        await page.getByRole("alert").getByText("This is for administrators of the registry.").waitFor();
        assert.equal(await page.getByRole("navigation", { name: "Administration" }).count(), 0);
      }
    });
  });

  it("nobody is asked to sign in, and may see what program this is", async () => {
    await visit(browser, {}, async ({ page }) => {
      await page.goto(`${url}/admin/storage`);
      await page.getByLabel("User name").waitFor();
      await page.goto(`${url}/about`);
      await page.getByText("Apache License 2.0").waitFor();
      await page.getByText("told to those who are signed in").waitFor();
    });
  });
});

describe("registries elsewhere", () => {
  it("a wrong address is explained step by step, and what was typed stays", async () => {
    await administer("/admin/registries", async (page, opened) => {
      await page.getByRole("button", { name: "Add registry" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("system-self");
      await dialog.getByLabel("Address").fill("registry.example.com");
      await dialog.getByText("An address begins with https:// or http://").waitFor();
      assert.ok(await dialog.getByRole("button", { name: "Add registry" }).isDisabled());
      await dialog.getByLabel("Address").fill("http://registry.invalid");
      await dialog.getByText("This address is not encrypted").waitFor();
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("Its name is known: no").waitFor();
      await dialog.getByText("the name registry.invalid is not known").waitFor();
      refused(opened, /400/);
      await inspect(opened, "system-registry-test");
      await dialog.getByLabel("Address").fill("http://127.0.0.1:1");
      await dialog.getByRole("button", { name: "Add registry" }).click();
      await dialog.getByText("Something answers there: no").waitFor();
      refused(opened, /400/);
      assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "system-self");
    });
  });

  it("a wrong secret is told from a wrong address; then it is added, and is healthy", async () => {
    await administer("/admin/registries", async (page, opened) => {
      await page.getByRole("button", { name: "Add registry" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("system-self");
      await dialog.getByLabel("Address").fill(url);
      await dialog.getByLabel("Access key").fill("admin");
      await dialog.getByLabel("Access secret").fill("Wrong-12345");
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("It lets Haven in: no").waitFor();
      refused(opened, /400/);
      await dialog.getByLabel("Access secret").fill(password);
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("The connection works.").waitFor();
      await dialog.getByRole("button", { name: "Add registry" }).click();
      await dialog.waitFor({ state: "hidden" });
      const row = page.getByRole("row", { name: /system-self/ });
      await row.getByText("Healthy").waitFor();
      await row.getByRole("button", { name: "What can be done with system-self" }).click();
      await page.getByText("Images are chosen by").waitFor();
      await inspect(opened, "system-registry-listed");
      // Edited without its secret, it is still let in.
      await row.getByRole("button", { name: "Edit system-self" }).click();
      await dialog.getByLabel("Description").fill("This one");
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("The connection works.").waitFor();
      await dialog.getByRole("button", { name: "Save registry" }).click();
      await dialog.waitFor({ state: "hidden" });
    });
    const [registry] = await read("/api/v2.0/registries?q=name=system-self");
    assert.equal(registry.description, "This one");
  });

  it("isn't deleted while a project is its cache, and says which", async () => {
    const [{ id }] = await read("/api/v2.0/registries?q=name=system-self");
    await newProject("system-cache", { registry_id: id });
    await administer("/admin/registries?q=system-self", async (page, opened) => {
      await page.getByRole("button", { name: "Delete system-self" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Delete registry" }).click();
      await dialog.getByText("referenced by proxy cache project system-cache").waitFor();
      refused(opened, /412/);
      await ask("DELETE", "/api/v2.0/projects/system-cache");
      await dialog.getByRole("button", { name: "Delete registry" }).click();
      await dialog.waitFor({ state: "hidden" });
      await page.getByText("The registry system-self is deleted.").waitFor();
      await page.getByText("No registry has this in its name.").waitFor();
    });
  });
});

describe("scanners", () => {
  it("the built-in one is the default and says what it is; another has to answer", async () => {
    await administer("/admin/scanners", async (page, opened) => {
      const row = page.getByRole("row", { name: /^Trivy/ });
      await row.getByText("· default").waitFor();
      await row.getByText("Healthy").waitFor();
      assert.equal(await row.getByRole("button", { name: "Delete Trivy" }).count(), 0);
      await row.getByRole("button", { name: "What Trivy says of itself" }).click();
      await page.getByText("Aqua Security Trivy").waitFor();
      await inspect(opened, "system-scanner");
      await page.getByRole("button", { name: "Add scanner" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("system-scanner");
      await dialog.getByLabel("Address", { exact: true }).fill("http://127.0.0.1:1");
      await dialog.getByLabel("It knows Haven by").selectOption("Bearer");
      await dialog.getByLabel("Credential", { exact: true }).fill("token");
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("nothing listens there").waitFor();
      refused(opened, /400/);
    });
  });
});

describe("vulnerability data", () => {
  it("says how it comes without the internet, and why an archive is none", async () => {
    await administer("/admin/vulnerability-data", async (page, opened) => {
      await page.getByText("There is no vulnerability database yet").waitFor();
      await page.getByRole("tab", { name: "oras" }).click();
      await page.getByText(`oras copy --from-oci-layout ./trivy-db:2 ${host}/security/trivy-db:2`).waitFor();
      await page
        .locator("input[type=file]")
        .setInputFiles({ name: "trivy-db.tar", mimeType: "application/x-tar", buffer: Buffer.from("none") });
      await page.getByRole("button", { name: "Import archive" }).click();
      await page.getByText("The archive was not imported.").waitFor();
      refused(opened, /400/);
    });
  });

  it("a list of what is put up with is checked while typing, and saved with its last day", async () => {
    await administer("/admin/vulnerability-data", async (page) => {
      const section = page.getByRole("region", { name: "Vulnerabilities that are put up with" });
      await section.getByLabel("Names").fill("CVE-2099-0001, oops");
      await section.getByText("No name of a vulnerability: oops").waitFor();
      await section.getByLabel("Names").fill("CVE-2099-0001\nCVE-2099-0002");
      await section.getByLabel("Until").fill("2099-12-31");
      await section.getByRole("button", { name: "Save list" }).click();
      await page.waitForFunction(() => !document.querySelector("[data-loading=true]"));
      await page.reload();
      assert.equal(await section.getByLabel("Until").inputValue(), "2099-12-31");
      await section.getByLabel("Names").fill("");
      await section.getByLabel("Until").fill("");
      await section.getByRole("button", { name: "Save list" }).click();
    });
  });

  it("everything is scanned now, and by a schedule", async () => {
    await administer("/admin/vulnerability-data", async (page) => {
      const section = page.getByRole("region", { name: "Scan everything" });
      await section.getByRole("button", { name: "Scan all images now" }).click();
      await section.getByLabel("How often").selectOption("Custom");
      await section.getByLabel("Times").fill("30 3 * * *");
      await section.getByText("Six fields with blanks between them").waitFor();
      await section.getByLabel("Times").fill("0 30 3 * * *");
      await section.getByRole("button", { name: "Save schedule" }).click();
      await section.getByText("Next time:").waitFor();
      await section.getByLabel("How often").selectOption("None");
      await section.getByRole("button", { name: "Save schedule" }).click();
      await section.getByText("Next time:").waitFor({ state: "detached" });
    });
  });
});

describe("storage", () => {
  it("a dry run shows what would be freed, with its log; then a schedule", async () => {
    await administer("/admin/storage", async (page, opened) => {
      await page.getByText("What takes most").waitFor();
      const section = page.getByRole("region", { name: "Garbage collection" });
      await section.getByLabel("Delete artifacts without a tag").check();
      await section.getByRole("button", { name: "Try without deleting" }).click();
      await section.getByText(/would free .*blobs/).first().waitFor();
      await section.getByText("Done").first().waitFor();
      await section.getByRole("button", { name: /^Log of run/ }).first().click();
      await section.getByText("a dry run deletes nothing").waitFor();
      await inspect(opened, "system-dry-run");
      await section.getByLabel("How often").selectOption("Weekly");
      await section.getByRole("button", { name: "Save schedule" }).click();
      await section.getByText("Next time:").waitFor();
    });
    const schedule = await read("/api/v2.0/system/gc/schedule");
    assert.equal(schedule.schedule.type, "Weekly");
    assert.equal(JSON.parse(schedule.job_parameters).delete_untagged, true);
    await ask("PUT", "/api/v2.0/system/gc/schedule", { schedule: { type: "None" } });
  });

  it("the audit log is purged by kind and age, and trash is emptied by a word only", async () => {
    await administer("/admin/storage", async (page) => {
      const section = page.getByRole("region", { name: "Purge of the audit log" });
      await section.getByLabel("Delete what is older than, in days").fill("never");
      await section.getByText("A number of days").waitFor();
      await section.getByLabel("Delete what is older than, in days").fill("365");
      await section.getByRole("button", { name: "Try without deleting" }).click();
      await section.getByText("would go: rows older than 365 days").first().waitFor();
      await page.getByRole("button", { name: "Empty all trash" }).click();
      const dialog = page.getByRole("dialog");
      assert.ok(await dialog.getByRole("button", { name: "Empty all trash" }).isDisabled());
      await dialog.getByRole("button", { name: "Cancel" }).click();
    });
  });
});

describe("configuration", () => {
  it("a setting is checked while typing, saved, and kept", async () => {
    await administer("/admin/configuration", async (page, opened) => {
      const section = page.getByRole("region", { name: "What was deleted" });
      await section.getByLabel("Can be restored for").fill("400");
      await section.getByText("A whole number from 0 to 365.").waitFor();
      assert.ok(await section.getByRole("button", { name: "Save settings" }).isDisabled());
      await section.getByLabel("Can be restored for").fill("14");
      await section.getByRole("button", { name: "Save settings" }).click();
      await section.getByText("The settings are saved.").waitFor();
      await inspect(opened, "system-configuration-saved");
    });
    const { trash_days } = await read("/api/v2.0/configurations");
    assert.equal(trash_days.value, 14);
    await ask("PUT", "/api/v2.0/configurations", { trash_days: 7 });
  });

  it("read-only holds at once, and ends", async () => {
    await administer("/admin/configuration", async (page) => {
      const section = page.getByRole("region", { name: "The registry", exact: true });
      for (const on of [true, false]) {
        await section.getByLabel("Read-only").setChecked(on);
        await section.getByRole("button", { name: "Save settings" }).click();
        await section.getByText("The settings are saved.").waitFor();
        assert.equal((await read("/api/v2.0/systeminfo")).read_only, on);
      }
    });
  });

  it("a message to everybody stands above every page, until somebody closes it for themselves", async () => {
    const text = "Maintenance on Sunday: <b>pushes</b> are refused for an hour.";
    await administer("/admin/configuration", async (page) => {
      await page.getByLabel("Banner message").fill(text);
      await page.getByLabel("Banner message").locator("xpath=ancestor::form").getByRole("button", { name: "Save settings" }).click();
      await page.getByRole("status").getByText(text).waitFor();
    });
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await page.goto(`${url}/projects`);
      const banner = page.getByRole("status").getByText(text);
      await banner.waitFor();
      await inspect(opened, "system-banner");
      await page.getByRole("button", { name: "Close the message" }).click();
      await page.reload();
      await page.getByRole("heading", { level: 1, name: "Projects" }).waitFor();
      await page.getByRole("button", { name: "Search" }).waitFor();
      assert.equal(await banner.count(), 0);
    });
    await ask("PUT", "/api/v2.0/configurations", { banner_message: "" });
  });

  it("a receiver of the audit log that isn't there is refused with the reason, and nothing is saved", async () => {
    await administer("/admin/configuration", async (page, opened) => {
      const section = page.getByRole("region", { name: "Forwarding of the audit log" });
      await section.getByText("Nothing is forwarded").waitFor();
      await section.getByLabel("Receiver", { exact: true }).fill("127.0.0.1:1");
      await section.getByRole("button", { name: "Save settings" }).click();
      await section.getByText("the receiver can't be reached").waitFor();
      refused(opened, /400/);
      assert.equal(await section.getByLabel("Receiver", { exact: true }).inputValue(), "127.0.0.1:1");
    });
    assert.equal((await read("/api/v2.0/configurations")).audit_log_forward_endpoint.value, "");
  });
});

describe("quotas and labels", () => {
  it("one project's quota is changed, and changed back by undo", async () => {
    await administer("/admin/quotas?sort=hard.storage", async (page) => {
      await page.getByRole("button", { name: "Change the quota of system-one" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("May hold").fill("much");
      await dialog.getByText("A number above 0").waitFor();
      await dialog.getByLabel("May hold").fill("20");
      await dialog.getByRole("button", { name: "Save quota" }).click();
      await dialog.waitFor({ state: "hidden" });
      const row = page.getByRole("row", { name: /^system-one/ });
      await row.getByText("20 GiB").waitFor();
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await row.getByText("no limit").waitFor();
    });
  });

  it("a label of all projects is created, changed and deleted", async () => {
    await administer("/admin/labels", async (page, opened) => {
      await page.getByRole("button", { name: "Create label" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("system-approved");
      await dialog.getByLabel("Colour #b3261e").check({ force: true });
      await inspect(opened, "system-label");
      await dialog.getByRole("button", { name: "Create label" }).click();
      await dialog.waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Edit system-approved" }).click();
      await dialog.getByLabel("Description").fill("May go out");
      await dialog.getByRole("button", { name: "Save label" }).click();
      await page.getByRole("cell", { name: "May go out" }).waitFor();
      await page.getByRole("button", { name: "Delete system-approved" }).click();
      await dialog.getByRole("button", { name: "Delete label" }).click();
      await page.getByText("The label system-approved is deleted.").waitFor();
    });
  });
});

describe("preheat", () => {
  it("an instance that doesn't answer is explained", async () => {
    await administer("/admin/preheat", async (page, opened) => {
      await page.getByRole("button", { name: "Add instance" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name", { exact: true }).fill("system-peers");
      await dialog.getByLabel("Address").fill("http://127.0.0.1:1");
      await dialog.getByLabel("Token").fill("token");
      await dialog.getByRole("button", { name: "Test connection" }).click();
      await dialog.getByText("nothing listens there").waitFor();
      refused(opened, /400/);
    });
  });
});

describe("trust", () => {
  it("a policy is read while typing, judged by the server, saved in words, and removed", async () => {
    await administer("/admin/trust", async (page, opened) => {
      const [{ public_key: key }] = await read("/api/haven/v1/signing/keys");
      await page.getByLabel("Policy", { exact: true }).fill("{ signers: }");
      await page.getByText("This is no JSON").waitFor();
      await page.getByLabel("Policy", { exact: true }).fill('{"signers":[{"name":"ci","keys":["none"]}]}');
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("signers[0].keys[0] holds no PUBLIC KEY in PEM").waitFor();
      refused(opened, /400/);
      const policy = { signers: [{ name: "system-ci", keys: [key] }], require: { signed_by: "system-ci" } };
      await page.getByLabel("Policy", { exact: true }).fill(JSON.stringify(policy, null, 2));
      await page.getByText("An image needs a signature by system-ci.").waitFor();
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("Set by admin").waitFor();
      await inspect(opened, "system-policy");
      await page.getByRole("button", { name: "Remove policy" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Remove policy" }).click();
      await page.getByText("The policy of the registry is removed.").waitFor();
    });
    assert.equal((await read("/api/haven/v1/signature-policy")).scope, "none");
  });

  it("keys are copied; a name stands for a project until it is removed, and again by undo", async () => {
    await administer("/admin/trust", async (page) => {
      await page.getByRole("button", { name: "Copy public key" }).first().click();
      assert.match(await clipboard(page), /^-----BEGIN PUBLIC KEY-----/);
      const section = page.getByRole("region", { name: "Mirrors" });
      await section.getByLabel("Name").fill("system.example.com");
      await section.getByLabel("Project").fill("system-one");
      await section.getByRole("button", { name: "Add mirror" }).click();
      await section.getByRole("button", { name: "Remove mirror system.example.com" }).click();
      await page.getByText("system.example.com stands for no project any more.").waitFor();
      await page.getByRole("button", { name: "Undo", exact: true }).click();
      await section.getByRole("button", { name: "Remove mirror system.example.com" }).click();
      await section.getByRole("row", { name: /system.example.com/ }).waitFor({ state: "detached" });
    });
  });
});

describe("health", () => {
  it("all parts are well, the clocks agree, and the version is told", async () => {
    await administer("/admin/health", async (page) => {
      await page.getByText("All parts are well.").waitFor();
      await page.getByRole("row", { name: /Database/ }).getByText("Healthy").waitFor();
      await page.getByText("agrees with this browser's").waitFor();
      await page.getByRole("link", { name: "About Haven" }).click();
      await page.getByRole("heading", { level: 1, name: "About Haven" }).waitFor();
      const { haven_version } = await read("/api/v2.0/systeminfo");
      await page.getByText(haven_version, { exact: true }).waitFor();
      await page.getByText(`curl -u admin ${url}/api/v2.0/projects`).waitFor();
    });
  });
});
