// What a project does about scans and signatures, whom it tells what happens, and what it hands to peers.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { clipboard, host, inspect, launch, open, signIn, url, visit } from "./browser.mjs";
import { ask, newPerson, newProject, push, read, secret, sign } from "./registry.mjs";

const project = "scanrules-team";
const settings = `${url}/p/${project}/settings`;

let browser;
/** Somebody who is told by webhooks: what came, and what is answered. */
const receiver = { came: [], status: 204, text: "" };

before(async () => {
  browser = await launch();
  receiver.server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    receiver.came.push({ headers: request.headers, body });
    response.writeHead(receiver.status).end(receiver.text);
  });
  await new Promise((done) => receiver.server.listen(0, "127.0.0.1", done));
  receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
  await newProject(project);
  await newPerson("scanrules-admin", project, "admin");
  await newPerson("scanrules-maintainer", project, "maintainer");
  await newPerson("scanrules-developer", project, "developer");
  await newPerson("scanrules-guest", project, "guest");
  push(`${project}/app:1.0`);
});
after(async () => {
  await browser.close();
  receiver.server.close();
});

/** Waits until something is so. */
async function until(what, so) {
  for (let tries = 0; tries < 100; tries++) {
    if (await so()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail(`never: ${what}`);
}

/** Closes the notices, which may stand over a button. */
async function hush(page) {
  const close = page.getByRole("button", { name: "Close", exact: true });
  while ((await close.count()) > 0) await close.first().click();
}

/** Has nothing refused, scanned or signed any more, which would have a say in what others see. */
async function calm() {
  const off = ["prevent_vul", "auto_scan", "auto_sbom_generation", "enable_content_trust_cosign"];
  const metadata = Object.fromEntries(off.map((key) => [key, "false"]));
  await ask("PUT", `/api/v2.0/projects/${project}`, { metadata });
  const signing = { enabled: false, formats: ["cosign"], attest: false, require_trust: false };
  await ask("PUT", `/api/haven/v1/projects/${project}/signing`, signing);
}

const projectNow = () => read(`/api/v2.0/projects/${project}`);

describe("scanning, by the project's admin", () => {
  let opened;
  before(async () => {
    opened = await open(browser);
    await signIn(opened.page, "scanrules-admin", secret);
    await opened.page.goto(`${url}/p/${project}`);
    await opened.page.getByRole("link", { name: "Settings" }).click();
    await opened.page.getByRole("link", { name: "Scanning" }).click();
  });
  after(() => opened.done());

  it("says when images are scanned", async () => {
    const { page } = opened;
    await page.getByLabel("Scan images when they are pushed").check();
    await page.getByLabel("Make a bill of materials").check();
    await page.getByRole("button", { name: "Save scanning" }).click();
    await page.getByText("Saved.", { exact: true }).waitFor();
    const { metadata } = await projectNow();
    assert.deepEqual([metadata.auto_scan, metadata.auto_sbom_generation], ["true", "true"]);
  });

  it("shows what blocking means before it is saved", async () => {
    const { page } = opened;
    const block = page.getByRole("region", { name: "Block vulnerable images" });
    await block.getByText("Would be refused: 0 of the last 1.").waitFor();
    await block.getByLabel("Refuse pulls of images with vulnerabilities").check();
    await block.getByLabel("Refuse from this severity on").selectOption("high");
    await block.getByText("Would be refused: 1 of the last 1.").waitFor();
    await block.getByText(`${project}/app:1.0`).waitFor();
    await block.getByText("· never scanned").waitFor();
    assert.notEqual((await projectNow()).metadata.prevent_vul, "true");
    await block.getByLabel("Never scanned").selectOption("allow");
    await block.getByText("Would be refused: 0 of the last 1.").waitFor();
    await block.getByLabel("Never scanned").selectOption("block");
    await block.getByRole("button", { name: "Save blocking" }).click();
    await block.getByText("Refused now, by all rules of the project: 1.").waitFor();
    const { metadata } = await projectNow();
    assert.deepEqual([metadata.prevent_vul, metadata.severity], ["true", "high"]);
    await inspect(opened, "scanrules-blocking");
  });

  it("puts up with vulnerabilities that somebody pasted", async () => {
    const { page } = opened;
    const list = page.getByRole("region", { name: "Vulnerabilities that are put up with" });
    await list.getByLabel("One of this project's own").check();
    await list.getByLabel("Add vulnerabilities").fill("see cve-2024-3094; CVE-2023-1, CVE-2023-1");
    await list.getByRole("button", { name: "Add 2 to the list" }).click();
    await list.getByRole("button", { name: "Remove CVE-2023-1" }).click();
    await list.getByLabel("Until").fill("2035-01-31");
    await list.getByRole("button", { name: "Save allowlist" }).click();
    await list.getByText("Saved.", { exact: true }).waitFor();
    const { cve_allowlist, metadata } = await projectNow();
    assert.deepEqual(cve_allowlist.items, [{ cve_id: "CVE-2024-3094" }]);
    assert.equal(metadata.reuse_sys_cve_allowlist, "false");
    assert.equal(new Date(cve_allowlist.expires_at * 1000).getUTCFullYear(), 2035);
  });

  it("states what doesn't matter, takes in a document, and withdraws", async () => {
    const { page, faults } = opened;
    const vex = page.getByRole("region", { name: "Statements (VEX)" });
    await vex.getByRole("button", { name: "Make a statement" }).click();
    await vex.getByLabel("Vulnerability", { exact: true }).fill("CVE-2024-1111");
    assert.ok(await vex.getByRole("button", { name: "Make statement" }).isDisabled());
    await vex.getByLabel("Why it isn't affected").selectOption("component_not_present");
    await vex.getByLabel("Repository").fill("app");
    await vex.getByRole("button", { name: "Make statement" }).click();
    await vex.getByRole("rowheader", { name: "CVE-2024-1111" }).waitFor();
    const document = {
      "@context": "https://openvex.dev/ns/v0.2.0",
      "@id": "https://example.com/vex",
      author: "Vendor",
      timestamp: "2026-01-01T00:00:00Z",
      version: 1,
      statements: [{ vulnerability: { name: "CVE-2024-2222" }, products: [{ "@id": "pkg:apk/x" }], status: "fixed" }],
    };
    const file = (text) => ({ name: "vex.json", mimeType: "application/json", buffer: Buffer.from(text) });
    await vex.locator('input[type="file"]').setInputFiles(file("{}"));
    await vex.getByRole("alert").getByText("@context").waitFor();
    assert.match(faults.pop(), /400/);
    await vex.locator('input[type="file"]').setInputFiles(file(JSON.stringify(document)));
    await vex.getByRole("rowheader", { name: "CVE-2024-2222" }).waitFor();
    await vex.getByRole("button", { name: "Withdraw the statement on CVE-2024-1111" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw statement" }).click();
    await vex.getByRole("rowheader", { name: "CVE-2024-1111" }).waitFor({ state: "detached" });
    const left = await read(`/api/haven/v1/projects/${project}/vex`);
    assert.deepEqual(left.map((statement) => statement.vulnerability), ["CVE-2024-2222"]);
  });
});

describe("trust, by the project's admin", () => {
  let opened;
  before(async () => {
    await calm();
    opened = await open(browser);
    await signIn(opened.page, "scanrules-admin", secret);
    await opened.page.goto(`${settings}/trust`);
  });
  after(() => opened.done());

  it("sets a policy by its form, which is the same as its JSON", async () => {
    const { page, faults } = opened;
    const { digest } = (await read(`/api/v2.0/projects/${project}/repositories/app/artifacts`))[0];
    const signed = sign("scanrules", `${host}/${project}/app@${digest}`);
    const key = readFileSync(`${process.env.DOCKER_CONFIG}/scanrules.pub`, "utf8");
    await page.getByText("Neither the project nor the registry says whom it trusts.").waitFor();
    await page.getByLabel("Name of the signer").fill("build");
    await page.getByLabel("Public key", { exact: true }).fill("-----BEGIN PUBLIC KEY-----\nnone");
    await page.getByRole("button", { name: "Save policy" }).click();
    await page.getByText("The policy was not saved.").waitFor();
    assert.match(faults.pop(), /400/);
    await page.getByLabel("Public key", { exact: true }).fill(key);
    await page.getByRole("button", { name: "Require a signature" }).click();
    const json = page.getByLabel("The same as JSON");
    assert.equal(JSON.parse(await json.inputValue()).require.signed_by, "build");
    const good = await json.inputValue();
    await json.fill("{");
    await page.getByText("This is not the JSON of a policy.").waitFor();
    assert.ok(await page.getByRole("button", { name: "Save policy" }).isDisabled());
    await json.fill(good);
    await page.getByRole("button", { name: "Save policy" }).click();
    await page.getByText("a signature by build").waitFor();
    signed();
  });

  it("shows whom it refuses, tries it on an image, and enforces it", async () => {
    const { page } = opened;
    await page.reload();
    await page.getByLabel("Image", { exact: true }).selectOption({ label: `${project}/app:1.0` });
    await page.getByText("Signed as the project's trust policy demands.").waitFor();
    const refuse = page.getByRole("region", { name: "Refuse unsigned images" });
    await refuse.getByLabel("Refuse pulls of what isn't signed with Cosign").check();
    await refuse.getByText("Would be refused for want of a signature: 0 of the last 1").waitFor();
    await refuse.getByRole("button", { name: "Save what is refused" }).click();
    await page.getByText("What doesn't fulfil it can't be pulled.").waitFor();
    assert.equal((await projectNow()).metadata.enable_content_trust_cosign, "true");
    await inspect(opened, "scanrules-trust-set");
  });

  it("deletes the policy, and takes that back", async () => {
    const { page } = opened;
    await page.getByRole("button", { name: "Delete policy" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete policy" }).click();
    await page.getByText("Neither the project nor the registry says whom it trusts.").waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("a signature by build").waitFor();
    assert.equal((await read(`/api/haven/v1/projects/${project}/signature-policy`)).scope, "project");
  });

  it("has Haven sign what passed, and gives its key", async () => {
    const { page } = opened;
    await ask("POST", "/api/haven/v1/signing/keys", { format: "cosign" });
    await page.reload();
    const signing = page.getByRole("region", { name: "Signatures by Haven" });
    await signing.getByLabel("Haven signs images that passed").check();
    await signing.getByLabel("Cosign, under a tag").check();
    await signing.getByRole("button", { name: "Save signing" }).click();
    await signing.getByText("Saved.", { exact: true }).waitFor();
    const policy = await read(`/api/haven/v1/projects/${project}/signing`);
    assert.deepEqual([policy.enabled, policy.formats], [true, ["cosign"]]);
    await signing.getByRole("button", { name: "Copy public key for Cosign" }).first().click();
    assert.match(await clipboard(page), /BEGIN PUBLIC KEY/);
  });
});

describe("webhooks, by the project's admin", () => {
  let opened;
  before(async () => {
    await calm();
    opened = await open(browser);
    await signIn(opened.page, "scanrules-admin", secret);
    await opened.page.goto(`${settings}/webhooks`);
  });
  after(() => opened.done());

  it("creates one with a secret that is shown until it is saved, and tests it", async () => {
    const { page } = opened;
    await page.getByText("Nobody is told what happens in this project.").waitFor();
    await page.getByRole("link", { name: "Create webhook" }).click();
    await page.getByLabel("Name", { exact: true }).fill("build");
    await page.getByLabel("Address", { exact: true }).fill("ci.example.com");
    await page.getByText("An address begins with https://").waitFor();
    await page.getByLabel("Address", { exact: true }).fill(receiver.url);
    await page.getByLabel("Artifact deleted").check();
    await page.getByLabel("Authorization header", { exact: true }).fill("Bearer scanrules");
    await page.getByRole("button", { name: "Make a secret" }).click();
    await page.getByRole("button", { name: "Copy signing secret" }).click();
    const key = await clipboard(page);
    assert.match(key, /^whsec_/);
    await inspect(opened, "scanrules-webhook-new");
    await page.getByRole("button", { name: "Create webhook" }).click();
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByText(`${receiver.url} took it`).waitFor();
    await page.getByText("Authorization: *****").waitFor();
    await page.getByRole("heading", { name: "Answer 204" }).waitFor();
    const { headers, body } = receiver.came.pop();
    assert.equal(headers.authorization, "Bearer scanrules");
    const text = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
    const mac = createHmac("sha256", Buffer.from(key.slice(6), "base64")).update(text).digest("base64");
    assert.equal(headers["webhook-signature"], `v1,${mac}`);
    assert.equal(await page.getByText(key).count(), 0);
    assert.equal(await page.getByText("Bearer scanrules").count(), 0);
  });

  it("logs deliveries, shows one, and sends what failed again", async () => {
    const { page } = opened;
    receiver.status = 422;
    receiver.text = "no such build";
    receiver.came.length = 0;
    push(`${project}/app:2.0`);
    await page.getByRole("cell", { name: "Failed" }).waitFor();
    await page.getByRole("button", { name: /^Details of delivery/ }).first().click();
    await page.getByText("no such build").waitFor();
    await page.getByText("PUSH_ARTIFACT").first().waitFor();
    assert.match(page.url(), /open=/);
    await inspect(opened, "scanrules-delivery");
    await page.getByLabel("Which deliveries").selectOption("Success");
    await page.getByText("No delivery has this status.").waitFor();
    assert.match(page.url(), /status=Success/);
    receiver.status = 204;
    await page.getByRole("button", { name: "Send all failed again" }).click();
    await page.getByText("Sent again: 1").waitFor();
    await page.getByRole("cell", { name: "Done" }).waitFor();
    receiver.came.length = 0;
    await page.getByRole("button", { name: /^Send delivery .* again$/ }).first().click();
    await until("a delivery comes again", () => receiver.came.length === 1);
  });

  it("keeps its secrets when it is changed, and calls off what waits", async () => {
    const { page } = opened;
    await page.getByLabel("Description").fill("Tells the build server.");
    await page.getByText("Requests are signed.").waitFor();
    await hush(page);
    await page.getByRole("button", { name: "Save webhook" }).click();
    await page.getByText("Tells the build server.").first().waitFor();
    receiver.status = 503;
    receiver.came.length = 0;
    push(`${project}/app:3.0`);
    await until("a delivery comes", () => receiver.came.length > 0);
    assert.equal(receiver.came[0].headers.authorization, "Bearer scanrules");
    await page.getByLabel("Which deliveries").selectOption("Running");
    await page.getByRole("button", { name: /^Call off delivery/ }).first().click();
    await page.getByText("No delivery has this status.").waitFor();
    await page.getByLabel("Which deliveries").selectOption("Stopped");
    await page.getByRole("cell", { name: "Stopped" }).waitFor();
  });

  it("disables and enables one, and deletes another", async () => {
    const { page } = opened;
    await page.getByRole("button", { name: "Disable webhook" }).click();
    await page.getByText("The webhook build is disabled.").waitFor();
    await page.getByRole("button", { name: "Enable webhook" }).click();
    await page.getByText("The webhook build is enabled.").waitFor();
    const target = { type: "http", address: receiver.url, payload_format: "CloudEvents" };
    const more = { name: "gone", enabled: true, event_types: ["PULL_ARTIFACT"], targets: [target] };
    await ask("POST", `/api/v2.0/projects/${project}/webhook/policies`, more);
    await page.goto(`${settings}/webhooks`);
    await page.getByRole("link", { name: "gone" }).click();
    await page.getByRole("button", { name: "Delete webhook" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete webhook" }).click();
    await page.waitForURL(`${settings}/webhooks`);
    await page.getByRole("link", { name: "build" }).waitFor();
    await page.getByRole("link", { name: "gone" }).waitFor({ state: "detached" });
  });
});

describe("preheat", () => {
  it("teaches who can bring an instance, where there is none", async () => {
    for (const { name } of await read("/api/v2.0/p2p/preheat/instances")) {
      await ask("DELETE", `/api/v2.0/p2p/preheat/instances/${name}`);
    }
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "scanrules-admin", secret);
      await page.goto(`${settings}/preheat`);
      await page.getByText("A system administrator can name one.").waitFor();
      assert.equal(await page.getByRole("link", { name: "Create policy" }).count(), 0);
    });
    await visit(browser, {}, async ({ page }) => {
      await signIn(page);
      await page.goto(`${settings}/preheat`);
      await page.getByText("/p2p/preheat/instances").waitFor();
    });
  });

  it("creates a policy, runs it, and shows what became of it", async () => {
    const instance = { name: "scanrules-peers", vendor: "kraken", endpoint: receiver.url, enabled: true };
    receiver.status = 200;
    await ask("POST", "/api/v2.0/p2p/preheat/instances", instance);
    await visit(browser, {}, async (opened) => {
      const { page } = opened;
      await signIn(page, "scanrules-admin", secret);
      await page.goto(`${settings}/preheat`);
      await page.getByRole("link", { name: "Create policy" }).click();
      await page.getByLabel("Name", { exact: true }).fill("two words");
      await page.getByText("Letters and digits, parted by").waitFor();
      await page.getByLabel("Name", { exact: true }).fill("releases");
      await page.getByLabel("Tags").fill("1.*");
      await page.getByLabel("When").selectOption("scheduled");
      await page.getByLabel("Schedule").fill("* * * * *");
      await page.getByText("Six fields").waitFor();
      await page.getByLabel("Schedule").fill("0 0 2 * * *");
      await page.getByRole("button", { name: "Create policy" }).click();
      await page.getByText("The policy has not been carried out yet.").waitFor();
      await page.getByRole("button", { name: "Run policy now" }).click();
      await page.getByText(/Done|Failed/).first().waitFor();
      await page.waitForURL(/open=\d+/);
      await page.getByLabel("Signed images only").check();
      await page.getByRole("button", { name: "Save policy" }).click();
      await page.getByText("Saved.", { exact: true }).waitFor();
      await inspect(opened, "scanrules-preheat-policy");
      await page.getByRole("link", { name: "All preheat policies" }).click();
      await page.getByRole("cell", { name: "**:1.* · signed" }).waitFor();
    });
    const policy = await read(`/api/v2.0/projects/${project}/preheat/policies/releases`);
    assert.deepEqual(JSON.parse(policy.trigger), { type: "scheduled", trigger_setting: { cron: "0 0 2 * * *" } });
    assert.match(policy.filters, /"signature","value":true/);
  });
});

describe("who may not", () => {
  it("a maintainer looks, and changes nothing", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "scanrules-maintainer", secret);
      await page.goto(`${settings}/scanning`);
      await page.getByText("Only the project's admins may change it.").waitFor();
      assert.ok(await page.getByRole("button", { name: "Save blocking" }).isDisabled());
      assert.equal(await page.getByRole("button", { name: "Make a statement" }).count(), 0);
      await page.goto(`${settings}/trust`);
      await page.getByText("a signature by build").waitFor();
      assert.equal(await page.getByRole("button", { name: "Save policy" }).count(), 0);
      assert.equal(await page.getByRole("button", { name: "Delete policy" }).count(), 0);
      await page.goto(`${settings}/webhooks`);
      await page.getByRole("link", { name: "build" }).click();
      await page.getByRole("heading", { name: "Deliveries" }).waitFor();
      await page.getByRole("button", { name: /^Details of delivery/ }).first().waitFor();
      assert.equal(await page.getByRole("button", { name: "Send a test" }).count(), 0);
      assert.equal(await page.getByRole("link", { name: "Preheat" }).count(), 0);
    });
  });

  for (const person of ["developer", "guest"]) {
    it(`a ${person} is offered none of it, and refused in words`, async () => {
      await visit(browser, {}, async ({ page, faults }) => {
        await signIn(page, `scanrules-${person}`, secret);
        await page.goto(`${settings}/scanning`);
        await page.getByText("The rules about scans can't be shown.").waitFor();
        for (const [path, text] of [
          ["trust", "The trust policy can't be shown."],
          ["webhooks", "The webhooks can't be shown."],
          ["webhooks/new", "A webhook can't be created here."],
          ["preheat", "The preheat policies can't be shown."],
        ]) {
          await page.goto(`${settings}/${path}`);
          await page.getByText(text).waitFor();
          await page.getByText("Ask one of its admins.").waitFor();
          for (const name of ["Scanning", "Trust", "Webhooks", "Preheat"]) {
            assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0, name);
          }
        }
        assert.ok(faults.every((fault) => /403/.test(fault)), faults.join("; "));
        faults.length = 0;
      });
    });
  }

  it("nobody is asked to sign in", async () => {
    await visit(browser, {}, async ({ page, faults }) => {
      await page.goto(`${settings}/webhooks`);
      await page.getByText("This is not public.").waitFor();
      assert.ok(faults.every((fault) => /401/.test(fault)), faults.join("; "));
      faults.length = 0;
    });
  });
});
