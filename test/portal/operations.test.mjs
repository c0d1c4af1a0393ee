// What runs, what failed, who did it, what is worst.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { launch, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, push, read, secret } from "./registry.mjs";

let browser;
let policy;

/** Makes a policy from this registry to this registry, by the address that it has for others. */
async function newPolicy(name, more = {}) {
  const [itself] = await read("/api/v2.0/registries?q=name=operations-itself");
  const answer = await ask("POST", "/api/v2.0/replication/policies", {
    name,
    src_registry: { id: 0 },
    dest_registry: { id: itself.id },
    dest_namespace: "operations-copies",
    dest_namespace_replace_count: 1,
    filters: [{ type: "name", value: "operations-source/**" }],
    trigger: { type: "manual" },
    override: true,
    enabled: true,
    ...more,
  });
  return Number(answer.headers.get("Location").split("/").pop());
}

const queue = (kind, action) => ask("PUT", `/api/v2.0/jobservice/queues/${kind}`, { action });

/** Does something while work of a kind waits. */
async function whileHeld(kind, steps) {
  await queue(kind, "pause");
  try {
    await steps();
  } finally {
    await queue(kind, "resume");
  }
}

const places = (page) => page.getByRole("navigation", { name: "Places" });

before(async () => {
  browser = await launch();
  await newProject("operations-source");
  await newProject("operations-copies");
  await newPerson("operations-chief", "operations-source", "admin");
  await newPerson("operations-dev", "operations-source", "developer");
  push("operations-source/app:1.0");
  push("operations-source/web/shop:2.0");
  await ask("POST", "/api/v2.0/registries", {
    name: "operations-itself",
    type: "harbor",
    url,
    insecure: true,
    credential: { type: "basic", access_key: "admin", access_secret: process.env.PORTAL_PASSWORD },
  });
  policy = await newPolicy("operations-policy");
});
after(() => browser.close());

describe("replication, for administrators", () => {
  it("makes a policy, and shows what it would do before anything is done", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await places(page).getByRole("link", { name: "Replication" }).click();
      await page.getByRole("link", { name: "Create policy" }).click();
      await page.getByRole("button", { name: "Create policy" }).click();
      await page.getByText("A policy needs a name.").waitFor();
      await page.getByText("Choose two different registries.").waitFor();
      await page.getByLabel("Name", { exact: true }).fill("operations-made");
      await page.getByLabel("Destination", { exact: true }).selectOption({ label: `operations-itself (${url})` });
      await page.getByLabel("Namespace at the destination").fill("operations-copies/made");
      await page.getByLabel("It takes the place of").selectOption("the first part");
      await page.getByLabel("Value of filter 1").fill("operations-source/web/**");
      await page.getByRole("button", { name: "Add filter" }).click();
      await page.getByLabel("Value of filter 2").fill("0.*");
      await page.getByLabel("Whether filter 2 matches or excludes").selectOption("excludes");
      await page.getByRole("button", { name: "Create policy" }).click();
      await page.getByText("To be done: 1").waitFor();
      const row = page.getByRole("row", { name: /operations-source\/web\/shop:2\.0/ });
      await row.getByText("operations-copies/made/web/shop").waitFor();
      assert.match(page.url(), /\/replication\/\d+\?tab=preview$/);
      const [made] = await read("/api/v2.0/replication/policies?q=name=operations-made");
      assert.deepEqual(made.filters.map((each) => [each.type, each.decoration]), [
        ["name", "matches"],
        ["tag", "excludes"],
      ]);
    });
  });

  it("runs a policy and is told how it goes until it has ended, without asking again", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await whileHeld("REPLICATION_PLAN", async () => {
        await page.goto(`${url}/replication/${policy}`);
        await page.getByRole("button", { name: "Run now" }).click();
        await page.waitForURL(/\/runs\/\d+$/);
        await page.getByText("1 waiting").waitFor();
        await page.getByRole("button", { name: "Stop work" }).waitFor();
      });
      await page.getByText("3 done").waitFor();
      await page.getByText("operations-source/app → operations-copies/app").waitFor();
      await page.getByRole("button", { name: "Stop work" }).waitFor({ state: "detached" });
      await page.getByRole("button", { name: /^Show log of task/ }).last().click();
      await page.getByText("That is all").waitFor();
      const copied = await read("/api/v2.0/projects/operations-copies/repositories/app/artifacts?q=tags=1.0");
      assert.equal(copied.length, 1);
      await page.goto(`${url}/replication`);
      const map = page.getByRole("img", { name: /A map of the registries/ });
      await map.getByText("operations-itself", { exact: true }).waitFor();
      await page.getByRole("row", { name: /operations-policy/ }).getByText("Done").waitFor();
    });
  });

  it("changes a policy, and deletes it when its name is typed", async () => {
    const other = await newPolicy("operations-going");
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await page.goto(`${url}/replication/${other}/edit`);
      await page.getByLabel("Enabled").uncheck();
      await page.getByLabel("It begins").selectOption("by the clock");
      await page.getByLabel("Cron (UTC)").fill("0 0 3");
      await page.getByText("It has six fields, seconds first.").waitFor();
      await page.getByLabel("Clock").selectOption("each hour");
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("Disabled: nothing begins it").waitFor();
      await page.getByText("by the clock: 0 0 * * * *").waitFor();
      assert.equal(await page.getByRole("button", { name: "Run now" }).count(), 0);
      await page.getByRole("button", { name: "Delete policy" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Type operations-going to confirm").fill("operations-going");
      await dialog.getByRole("button", { name: "Delete policy" }).click();
      await page.getByText("The policy operations-going is deleted.").waitFor();
      await page.waitForURL(`${url}/replication`);
    });
  });
});

describe("jobs, for administrators", () => {
  it("stops work from the ring, which says how it ended", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await whileHeld("REPLICATION_PLAN", async () => {
        await ask("POST", "/api/v2.0/replication/executions", { policy_id: policy });
        await page.reload();
        await page.getByRole("button", { name: /^Background work: [1-9]/ }).click();
        const list = page.getByRole("dialog");
        await list.getByRole("button", { name: /^Stop Replication/ }).first().click();
        await list.getByText("Ended lately").waitFor();
        await list.getByText("Stopped").first().waitFor();
        await list.getByRole("link", { name: /^Replication/ }).first().click();
        await page.getByRole("heading", { level: 1, name: /^Run \d+$/ }).waitFor();
        await page.getByText("1 stopped").waitFor();
      });
    });
  });

  it("finds work by kind and status, and stops it when sure", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await whileHeld("REPLICATION_PLAN", async () => {
        await ask("POST", "/api/v2.0/replication/executions", { policy_id: policy });
        await page.goto(`${url}/jobs`);
        await page.getByLabel("Kind").selectOption("Replication");
        await page.getByLabel("Status").selectOption("Waiting");
        await page.waitForURL(/status=Pending/);
        await page.getByRole("link", { name: /^Replication \d+$/ }).first().click();
        await page.getByRole("button", { name: "Stop work" }).click();
        await page.getByRole("dialog").getByRole("button", { name: "Stop work" }).click();
        await page.getByText("1 stopped").waitFor();
        await page.getByRole("button", { name: /^Show log/ }).click();
        await page.getByText("stopped", { exact: false }).last().waitFor();
      });
    });
  });

  it("holds up a queue and the clock, and lets them go on", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await page.goto(`${url}/jobs?tab=queues`);
      await page.getByRole("button", { name: "Pause Preheat" }).click();
      await page.getByRole("row", { name: /^Preheat/ }).getByText("paused").waitFor();
      await page.getByRole("button", { name: "Resume Preheat" }).click();
      await page.getByRole("button", { name: "Pause Preheat" }).waitFor();
      await page.getByRole("table", { name: "Processes that work" }).waitFor();
      await page.getByRole("link", { name: "Schedules" }).click();
      await page.getByRole("button", { name: "Pause all schedules" }).click();
      await page.getByText("Paused: nothing begins by the clock.").waitFor();
      await page.getByRole("button", { name: "Resume all schedules" }).click();
      await page.getByRole("button", { name: "Pause all schedules" }).waitFor();
    });
  });
});

describe("the audit log", () => {
  it("is filtered, shows details, and is saved as it is filtered", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await page.goto(`${url}/audit`);
      await page.getByText("The log is not forwarded.").waitFor();
      await page.getByLabel("Operation").selectOption("create");
      await page.getByLabel("Type of resource").selectOption("project");
      await page.getByLabel("Resource", { exact: true }).fill("operations-");
      await page.waitForURL(/resource=operations-/);
      await page.getByRole("cell", { name: "operations-copies", exact: true }).waitFor();
      await page.getByRole("cell", { name: "operations-source", exact: true }).waitFor();
      await page.getByRole("cell", { name: "create project" }).nth(1).waitFor();
      await page.getByRole("button", { name: /^Show details/ }).first().click();
      await page.getByText("Request id").waitFor();
      const begun = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save as CSV" }).click();
      const rows = readFileSync(await (await begun).path(), "utf8").trim().split("\r\n");
      assert.equal(rows.length, 3);
      assert.match(rows[0], /^op_time,username,operation/);
      const again = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save as JSON lines" }).click();
      const lines = readFileSync(await (await again).path(), "utf8").trim().split("\n");
      assert.deepEqual(lines.map((line) => JSON.parse(line).resource).sort(), ["operations-copies", "operations-source"]);
      await page.getByRole("button", { name: "Clear filters" }).click();
      await page.waitForURL(`${url}/audit`);
    });
  });

  it("shows a project's admin what was done there, and nothing else; and their own work", async () => {
    const chief = ["operations-chief", secret];
    const { project_id: id } = await read("/api/v2.0/projects/operations-source");
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, ...chief);
      await places(page).getByRole("link", { name: "Audit" }).click();
      await page.getByText("What was done in the projects that you administer").waitFor();
      await page.getByRole("cell", { name: /operations-source\/app/ }).first().waitFor();
      assert.equal(await page.getByRole("cell", { name: /operations-copies/ }).count(), 0);
      assert.equal(await page.getByText("forwarded").count(), 0);
      for (const name of ["Security", "Replication", "Jobs"]) {
        assert.equal(await places(page).getByRole("link", { name }).count(), 0, name);
      }
      await whileHeld("SCAN_DATA_EXPORT", async () => {
        await fetch(`${url}/api/v2.0/export/cve`, {
          method: "POST",
          headers: {
            "Content-Type": "application/json",
            "X-Scan-Data-Type": "application/vnd.security.vulnerability.report; version=1.1",
            Authorization: `Basic ${btoa(chief.join(":"))}`,
          },
          body: JSON.stringify({ job_name: "mine", projects: [id] }),
        }).then((answer) => assert.ok(answer.ok, `${answer.status}`));
        await page.reload();
        await page.getByRole("button", { name: "Background work: 1" }).click();
        const list = page.getByRole("dialog");
        await list.getByText("Export of findings").waitFor();
        assert.equal(await list.getByRole("link").count(), 0);
        await list.getByRole("button", { name: /^Stop Export of findings/ }).click();
        await list.getByText("Stopped").waitFor();
      });
    });
  });

  it("tells a developer for whom it is", async () => {
    await visit(browser, { width: 390 }, async ({ page }) => {
      await signIn(page, "operations-dev", secret);
      await places(page).getByRole("link", { name: "Audit" }).click();
      await page.getByText("There is nothing that you may read.").waitFor();
      for (const path of ["/replication", "/jobs", "/security"]) {
        await page.goto(url + path);
        await page.getByText("This is for administrators of the registry.").waitFor();
      }
      assert.equal(await page.getByRole("link", { name: "Create policy" }).count(), 0);
    });
    const forced = { headers: { Authorization: `Basic ${btoa(`operations-dev:${secret}`)}` } };
    const [any] = await read("/api/haven/v1/jobs/executions?page_size=1");
    for (const path of ["/api/v2.0/replication/policies", "/api/haven/v1/jobs/executions", `/api/haven/v1/jobs/executions/${any.id}/watch`, "/api/v2.0/security/summary"]) {
      assert.equal((await fetch(url + path, forced)).status, 403, path);
    }
  });

  it("asks nobody to sign in first", async () => {
    await visit(browser, {}, async ({ page }) => {
      for (const path of ["/audit", "/jobs", "/replication", "/security"]) {
        await page.goto(url + path);
        await page.getByText("This is not public.").waitFor();
        await page.getByLabel("User name").waitFor();
      }
      assert.equal(await places(page).getByRole("link", { name: "Audit" }).count(), 0);
      assert.equal(await page.getByRole("button", { name: /^Background work/ }).count(), 0);
    });
  });
});

describe("security, for administrators", () => {
  it("keeps a search in the address, and exports a project's findings as a file", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await signIn(page);
      await places(page).getByRole("link", { name: "Security" }).click();
      await page.getByRole("heading", { name: "Findings by severity" }).waitFor();
      await page.getByRole("link", { name: "All findings" }).click();
      await page.getByLabel("Vulnerability").fill("cve-1999-0001");
      await page.getByLabel("Severity").selectOption("Critical");
      await page.waitForURL(/cve=cve-1999-0001/);
      await page.getByText("Nothing found is like this.").waitFor();
      await page.reload();
      assert.equal(await page.getByLabel("Vulnerability").inputValue(), "cve-1999-0001");
      await page.goto(`${url}/security/cve/CVE-1999-0001`);
      await page.getByText("Nothing found is like this.").waitFor();

      await page.goto(`${url}/security?tab=exports`);
      await page.getByLabel("Project", { exact: true }).fill("operations-nowhere");
      await page.getByRole("button", { name: "Export findings" }).click();
      await page.getByText("There is no project operations-nowhere that you may see.").waitFor();
      assert.match(faults.pop(), /404/);
      await page.getByLabel("Project", { exact: true }).fill("operations-source");
      await page.getByRole("button", { name: "Export findings" }).click();
      const begun = page.waitForEvent("download");
      await page.getByRole("button", { name: /^Download export/ }).first().click();
      assert.match(readFileSync(await (await begun).path(), "utf8"), /^[A-Za-z]/);
    });
  });
});
