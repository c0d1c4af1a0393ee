// Each page on a phone and on a wide screen, in both colours between them: no accessibility rule broken, nothing wider than the screen, nothing on
// the console. What is shown, the journeys made; each area of the portal names its pages in pages/.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { judge, launch, picture, signIn, url, visit } from "./browser.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const areas = readdirSync(new URL("pages/", import.meta.url)).sort();
const pages = {};
for (const area of areas) Object.assign(pages, (await import(`./pages/${area}`)).pages);

/** What is looked at each time: a phone in the light and a wide screen in the dark; all six when that is asked for. */
const all = [390, 1024, 1600].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));
const looked =
  process.env.HAVEN_PORTAL_LOOKS === "all"
    ? all
    : all.filter(({ width, scheme }) => (width === 390 && scheme === "light") || (width === 1600 && scheme === "dark"));

describe("every page", { concurrency: 2 }, () => {
  for (const { width, scheme } of looked) {
    it(`stands as it should at ${width} px, ${scheme}`, async () => {
      await visit(browser, { width, scheme }, async (opened) => {
        const { page } = opened;
        const faults = [];
        const inspect = async (name) => {
          try {
            await picture(opened, name);
            if (width !== 1024) await judge(opened, name); // the middle one has no rules of its own
          } catch (error) {
            faults.push(error.message);
          }
        };
        await page.goto(`${url}/`);
        await page.getByLabel("User name").waitFor();
        await inspect("signed-out");
        await signIn(page);
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(url + path);
          await page.getByRole("heading", { level: 1 }).waitFor();
          await inspect(name);
        }
        await page.goto(url + pages.repository);
        await page.getByRole("link", { name: "1.0", exact: true }).click();
        await page.getByText("Pull exactly this").waitFor();
        await inspect("artifact");
        await page.getByRole("button", { name: "admin" }).click();
        await page.getByRole("menu").waitFor();
        await inspect("menu");
        assert.equal(faults.length, 0, faults.join("\n"));
      });
    });
  }
});
