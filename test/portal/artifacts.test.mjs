// Repositories and artifacts: the list of tags, what is done to many of them, each part of an artifact's page, who
// may do what, and what strangers write into their images.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { clipboard, host, inspect, launch, open, signIn, url, visit } from "./browser.mjs";
import { scrolled } from "./frames.mjs";
import { blob, chart, image, index, manifest, types } from "./oci.mjs";
import { ask, newPerson, newProject, read, secret } from "./registry.mjs";

const project = "artifacts-shop";
const hostile = "<script>window.broken = true</script><img src=x onerror='window.broken = true'>";
const turned = "evil\u202egnp.exe\u2066\u200b";
const long = "x".repeat(10_000);

let browser;
const digests = {};
before(async () => {
  browser = await launch();
  await newProject(project, { metadata: { public: "true" } });
  for (const role of ["maintainer", "developer", "guest"]) await newPerson(`artifacts-${role}`, project, role);
  await seed();
}, { timeout: 300_000 });
after(() => browser.close());

async function seed() {
  const app = `${project}/app`;
  digests.app = (await image(app, { commands: ["ADD base.tar /", "RUN make all", "COPY app /app"] }, "1.0", "stable")).digest;
  digests.next = (await image(app, { commands: ["ADD base.tar /", "RUN make more"] }, "2.0")).digest;
  await image(app, { seed: "three" }, "3.0-rc1");
  digests.index = (await index(app, ["amd64", "arm64"], "multi")).digest;
  await image(`${project}/delete-me`, { seed: "gone" }, "only");
  await image(`${project}/undo`, { seed: "undo-a" }, "a1", "a2", "a3");
  await image(`${project}/undo`, { seed: "undo-b" }, "b1");
  const annotations = { "org.example.note": hostile, "org.example.turned": turned, "org.example.long": long, [hostile]: "named so" };
  digests.odd = (await image(`${project}/odd`, { commands: [`RUN echo ${hostile} ${turned}`, `RUN ${long}`], annotations, seed: "odd" }, "odd", "T".repeat(128))).digest;
  const files = { "values.yaml": `note: "${hostile}"\nturned: ${turned}\nlong: ${long}\n`, "README.md": `# ${hostile}\n\n[click](javascript:alert(1)) ${turned}\n\n- one\n\n\`\`\`\n${hostile}\n\`\`\`\n\n${long}\n` };
  digests.chart = (await chart(`${project}/chart`, "web", files, "1.0.0")).digest;
  await seedMany(`${project}/many`);
  const label = { name: "production", color: "#0f766e", scope: "p", project_id: (await read(`/api/v2.0/projects/${project}`)).project_id };
  await ask("POST", "/api/v2.0/labels", label);
  await ask("POST", "/api/v2.0/labels", { ...label, name: hostile.slice(0, 60), color: "#b3261e" });
  // Something attached to an image, and something attached to that.
  const config = await blob(app, types.empty, "{}");
  const layers = [await blob(app, "text/plain", "about it")];
  const subject = { mediaType: types.manifest, digest: digests.app, size: Number(await sizeOf(app, digests.app)) };
  const note = await manifest(app, { schemaVersion: 2, mediaType: types.manifest, artifactType: "text/plain", config, layers, subject });
  await manifest(app, { schemaVersion: 2, mediaType: types.manifest, artifactType: "text/plain", config, layers, subject: note, annotations: { about: "the note" } });
}

/** Ten thousand tags of a thousand artifacts, which have all but a note in common. */
async function seedMany(repository) {
  const config = await blob(repository, types.config, JSON.stringify({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } }));
  for (let build = 0; build < 1000; build++) {
    const tags = Array.from({ length: 10 }, (_, i) => `build-${String(build * 10 + i).padStart(5, "0")}`);
    await manifest(repository, { schemaVersion: 2, mediaType: types.manifest, config, layers: [], annotations: { build: String(build) } }, ...tags);
  }
}

async function sizeOf(repository, digest) {
  const answer = await fetch(`${url}/v2/${repository}/manifests/${digest}`, { method: "HEAD", headers: { Accept: types.manifest, Authorization: `Basic ${btoa(`admin:${process.env.PORTAL_PASSWORD}`)}` } });
  return answer.headers.get("Content-Length");
}

const repository = (name) => `${url}/p/${project}/r/${name}`;
const artifact = (name, digest, tab = "") => `${repository(name)}/a/${digest}${tab && `?tab=${tab}`}`;
const notice = (page, text) => page.getByRole("region", { name: "What was done" }).getByText(text);

/** Nothing of a stranger's text has become a program, and nothing is wider than the screen. */
async function harmless(page) {
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.locator("main script, main img[src=x]").count(), 0);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wider <= 0, `${wider} px too wide at ${page.url()}`);
}

describe("an administrator and the tags of a repository", () => {
  let opened;
  before(async () => {
    opened = await open(browser);
    await signIn(opened.page);
  });
  after(() => opened.done());

  it("lists tags with what they name, sorted and filtered by the address", async () => {
    const { page } = opened;
    await page.goto(repository("app"));
    await page.getByRole("link", { name: "stable", exact: true }).waitFor();
    await page.getByRole("button", { name: "Tag", exact: true }).click();
    await page.waitForURL(/sort=-tags/);
    await page.getByRole("button", { name: "Tag", exact: true }).click();
    await page.waitForURL(/sort=tags/);
    await page.getByRole("row").nth(1).getByRole("link", { name: "1.0", exact: true }).waitFor();
    const names = await page.locator("tbody th a").allTextContents();
    assert.deepEqual(names, ["1.0", "stable", "2.0", "3.0-rc1", "multi"]);
    await page.getByLabel("Find a tag").fill("rc pushed:<1d type:image signed:no");
    await page.waitForURL(/q=/);
    await page.getByText("Rows: 1, artifacts: 1. That is all.").waitFor();
    assert.deepEqual(await page.locator("tbody th a").allTextContents(), ["3.0-rc1"]);
    await page.getByLabel("Find a tag").fill("severity:high label:nosuch");
    await page.getByText("Not filtered by severity:high label:nosuch").waitFor();
    await page.getByLabel("Find a tag").fill("signed:yes");
    await page.getByText("No tag has this in its name.").waitFor();
  });

  it("opens the platforms of an index, and is used by keyboard alone", async () => {
    const { page } = opened;
    await page.goto(repository("app"));
    await page.getByRole("button", { name: "Platforms of multi" }).click();
    await page.getByRole("link", { name: "linux/arm64" }).waitFor();
    await page.locator('tr[data-row="0"]').focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await page.getByText("2 rows chosen").waitFor();
    const opens = await page.locator("tr:focus th a").textContent();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: opens, exact: true }).waitFor();
  });

  it("labels, copies and deletes what is chosen, and takes the deletion back", async () => {
    const { page } = opened;
    await page.goto(repository("undo"));
    await page.getByLabel("Choose a1").check();
    await page.getByLabel("Choose a2").check();
    await page.getByLabel("Choose b1").check();
    const bar = page.getByRole("region", { name: "What to do with the chosen ones" });
    await bar.getByText("3 rows chosen").waitFor();
    await bar.getByRole("button", { name: /^Delete 2 artifacts, 4 tags, frees at most/ }).waitFor();
    await inspect(opened, "artifacts-chosen");
    await bar.getByRole("button", { name: "Copy pull commands" }).click();
    await notice(page, "The pull commands are copied.").waitFor();
    assert.equal((await clipboard(page)).split("\n").length, 3);
    await bar.getByRole("button", { name: "Change labels" }).click();
    await page.getByRole("button", { name: "Add label production" }).click();
    await page.getByRole("button", { name: "Remove label production" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("listitem").filter({ hasText: "production" }).first().waitFor();
    await bar.getByRole("button", { name: "Delete 3 tags" }).click();
    await notice(page, "3 tags deleted.").waitFor();
    await page.getByRole("link", { name: "a1", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "a3", exact: true }).waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await notice(page, "Undone: 3 tags deleted.").waitFor();
    await page.getByRole("link", { name: "a1", exact: true }).waitFor();
    await page.getByRole("link", { name: "b1", exact: true }).waitFor();
  });

  it("scrolls through ten thousand tags, of which only those in sight are there", async (t) => {
    const { page } = opened;
    const few = () => page.waitForFunction(() => document.querySelectorAll("tr[data-row]").length < 100);
    await page.goto(`${repository("many")}?sort=tags`);
    await page.getByRole("link", { name: "build-00000", exact: true }).waitFor();
    await few();
    const last = page.getByRole("link", { name: "build-09999", exact: true });
    while (!(await last.isVisible())) {
      await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
    await page.getByText("Rows: 10,000, artifacts: 1,000. That is all.").waitFor();
    await few();
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.getByRole("link", { name: "build-00000", exact: true }).waitFor();
    const { drawn, dropped, late, empty } = await scrolled(page, { distance: 12_000, speed: 2400, filled: "tr[data-row]" });
    t.diagnostic(`frames drawn ${drawn}, dropped ${dropped}, late ${late}; empty ${empty}`);
    assert.ok(drawn > 100, `${drawn} frames were drawn in five seconds`);
    assert.ok(dropped * 20 < drawn, `${dropped} frames were dropped, ${drawn} drawn`);
    assert.ok(empty * 20 < drawn, `the window was empty ${empty} times in ${drawn} frames`);
    await page.getByLabel("Find a tag").fill("0500");
    await page.getByText("Rows: 11, artifacts: 2. That is all.").waitFor();
  });

  it("describes a repository, deletes it when its name is typed, and restores it", async () => {
    const { page } = opened;
    await page.goto(repository("delete-me"));
    await page.getByRole("button", { name: "Describe this repository" }).click();
    await page.getByLabel("Description").fill(`For the shop ${hostile}`);
    await page.getByRole("button", { name: "Save description" }).click();
    await page.getByRole("button", { name: "Change description" }).waitFor();
    await page.locator("bdi", { hasText: "For the shop <script>" }).waitFor();
    await harmless(page);
    await page.getByRole("button", { name: "Delete repository" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Type delete-me to confirm").fill("delete-me");
    await dialog.getByRole("button", { name: "Delete repository" }).click();
    await page.waitForURL(`${url}/p/${project}`);
    await notice(page, "Repository delete-me deleted.").waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await notice(page, "Undone: Repository delete-me deleted.").waitFor();
    await page.getByRole("link", { name: "delete-me" }).waitFor();
  });

  it("shows an artifact in parts: layers, tags and their history, what belongs to it", async () => {
    const { page } = opened;
    await page.goto(`${artifact("app", digests.app)}?tag=%221.0%22`);
    await page.getByText(`docker pull ${host}/${project}/app:1.0`, { exact: true }).waitFor();
    await page.getByRole("button", { name: /^What refers to/ }).first().click();
    await page.getByRole("button", { name: /^What refers to/ }).nth(1).waitFor();
    await page.getByRole("button", { name: "Add tag" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name of the tag").fill("-no");
    await dialog.getByText("Letters, digits, dots").waitFor();
    await dialog.getByLabel("Name of the tag").fill("blessed");
    await dialog.getByRole("button", { name: "Add tag" }).click();
    await page.getByRole("button", { name: "Delete tag blessed" }).click();
    await notice(page, "Tag blessed deleted.").waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByRole("button", { name: "Delete tag blessed" }).waitFor();

    await page.getByRole("link", { name: "Layers" }).click();
    await page.waitForURL(/tab=layers/);
    await page.getByRole("img", { name: /^Layers by size/ }).waitFor();
    await page.getByText("RUN make all").waitFor();
    await page.getByText("no layer").waitFor();
    await inspect(opened, "artifacts-layers");
    await page.getByRole("link", { name: "Tag history" }).click();
    await page.getByText("this one").first().waitFor();
    await page.getByRole("link", { name: "Signatures" }).click();
    await page.getByText("Nobody has signed this.").waitFor();
  });

  it("has an image looked at, and says what is missing for it", async () => {
    const { page } = opened;
    await page.goto(artifact("app", digests.next, "vulnerabilities"));
    await page.getByText("Nobody has looked at this yet").waitFor();
    await inspect(opened, "artifacts-unscanned");
    await page.getByRole("button", { name: "Scan now" }).click();
    await page.getByText("Failed").waitFor();
    await page.getByText("nothing was found that advisories exist for").first().waitFor();
    await page.getByRole("button", { name: "Show log" }).click();
    await page.getByRole("dialog", { name: "Log of the scan" }).locator("pre").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Scan again" }).waitFor();
  });

  it("says in plain words why an image is blocked, and where the rule is", async () => {
    const { page } = opened;
    await ask("PUT", `/api/v2.0/projects/${project}`, { metadata: { prevent_vul: "true", severity: "high" } });
    try {
      await page.goto(artifact("app", digests.app));
      await page.getByText("Blocked: nobody can pull this.").waitFor();
      await page.getByText("It was never scanned, and the project refuses").waitFor();
      const rules = page.getByRole("link", { name: "See the project's rules" });
      assert.equal(await rules.getAttribute("href"), `/p/${project}/settings/scanning`);
      await inspect(opened, "artifacts-blocked");
    } finally {
      await ask("PUT", `/api/v2.0/projects/${project}`, { metadata: { prevent_vul: "false" } });
    }
    await page.reload();
    await page.getByText("Pull exactly this").waitFor();
    assert.equal(await page.getByText("Blocked:").count(), 0);
  });

  it("deletes an artifact and takes it back", async () => {
    const { page } = opened;
    const [victim] = await read(`/api/v2.0/projects/${project}/repositories/undo/artifacts?q=${encodeURIComponent("tags=b1")}`);
    await page.goto(artifact("undo", victim.digest));
    await page.getByRole("button", { name: "Delete artifact" }).click();
    await page.waitForURL(repository("undo"));
    await notice(page, "1 artifact deleted.").waitFor();
    assert.equal(await page.getByRole("link", { name: "b1", exact: true }).count(), 0);
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByRole("link", { name: "b1", exact: true }).waitFor();
  });
});

describe("what strangers write", () => {
  for (const width of [390, 1440]) {
    it(`is shown and does nothing, at ${width} px`, async () => {
      await visit(browser, { width }, async ({ page }) => {
        await page.goto(artifact("odd", digests.odd));
        await page.getByText(hostile).first().waitFor();
        await page.getByText("evil‹U+202E›gnp.exe‹U+2066›‹U+200B›").waitFor();
        await harmless(page);
        await page.getByRole("button", { name: "Show all 10,000 letters" }).click();
        await harmless(page);
        await page.goto(artifact("odd", digests.odd, "layers"));
        await page.getByText(`RUN echo ${hostile}`).waitFor();
        await harmless(page);
        await page.goto(artifact("chart", digests.chart, "files"));
        await page.getByRole("heading", { level: 3, name: hostile }).waitFor();
        await page.getByText("[click](javascript:alert(1)) evil‹U+202E›gnp.exe").waitFor();
        await page.getByText('note: "<script>').waitFor();
        assert.equal(await page.locator('a[href^="javascript"]').count(), 0);
        await harmless(page);
        await page.goto(repository("odd"));
        await page.getByRole("link", { name: "T".repeat(128) }).waitFor();
        await harmless(page);
      });
    });
  }
});

describe("who may do what", () => {
  it("lets a maintainer delete, label and scan", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "artifacts-maintainer", secret);
      await page.goto(repository("app"));
      await page.getByLabel("Choose 2.0").check();
      await page.getByRole("button", { name: /^Delete 1 artifact, 1 tag,/ }).waitFor();
      await page.getByRole("button", { name: "Scan 1 artifact" }).waitFor();
      await page.getByRole("button", { name: "Delete repository" }).waitFor();
    });
  });

  it("lets a developer tag and label, and neither delete nor scan, not even by force", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "artifacts-developer", secret);
      await page.goto(repository("app"));
      await page.getByLabel("Choose 2.0").check();
      await page.getByRole("button", { name: "Change labels" }).waitFor();
      assert.equal(await page.getByRole("button", { name: /^(Delete|Scan)/ }).count(), 0);
      await page.goto(artifact("app", digests.next));
      await page.getByRole("button", { name: "Add tag" }).waitFor();
      assert.equal(await page.getByRole("button", { name: /^Delete/ }).count(), 0);
      const who = ["artifacts-developer", secret];
      await assert.rejects(ask("DELETE", `/api/v2.0/projects/${project}/repositories/app/artifacts/${digests.next}`, undefined, who), /403/);
    });
  });

  it("lets a guest look, and says who may scan", async () => {
    await visit(browser, {}, async ({ page }) => {
      await signIn(page, "artifacts-guest", secret);
      await page.goto(artifact("app", digests.app, "vulnerabilities"));
      await page.getByText("The project's maintainers can scan it").waitFor();
      assert.equal(await page.getByRole("button", { name: /^(Scan|Add|Delete|Change)/ }).count(), 0);
      await page.goto(repository("app"));
      await page.getByLabel("Choose 2.0").check();
      await page.getByRole("button", { name: "Copy pull commands" }).waitFor();
      assert.equal(await page.getByRole("button", { name: /^(Scan|Delete|Change|Describe)/ }).count(), 0);
    });
  });

  it("lets nobody in particular read what is public, and nothing else", async () => {
    await visit(browser, { scheme: "dark" }, async (opened) => {
      const { page, faults } = opened;
      await page.goto(repository("app"));
      await page.getByRole("link", { name: "2.0", exact: true }).click();
      await page.getByText(`docker pull ${host}/${project}/app:2.0`, { exact: true }).waitFor();
      await inspect(opened, "artifacts-nobody");
      await page.getByRole("link", { name: "Layers" }).click();
      await page.getByText("RUN make more").waitFor();
      for (const tab of ["Signatures", "Packages", "Tag history", "Vulnerabilities"]) {
        await page.getByRole("link", { name: tab, exact: true }).click();
        await page.waitForURL(/tab=/);
      }
      assert.equal(await page.getByRole("button", { name: /^(Scan|Add|Delete|Change)/ }).count(), 0);
      await ask("PUT", `/api/v2.0/projects/${project}`, { metadata: { public: "false" } });
      try {
        await page.goto(artifact("app", digests.app));
        await page.getByText("This is not public. Sign in to see").waitFor();
        await page.goto(repository("app"));
        await page.getByText("This is not public. Sign in to see").first().waitFor();
      } finally {
        await ask("PUT", `/api/v2.0/projects/${project}`, { metadata: { public: "true" } });
      }
      faults.splice(0, faults.length, ...faults.filter((fault) => !/40[0134]/.test(fault)));
    });
  });
});
