// Each page in three widths and both colours: no accessibility rule broken, nothing wider than the screen, nothing on
// the console. What is shown, the journeys made; each area of the portal names its pages in pages/.
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

/** The accessibility of a page depends on its colours, and on whether it is a phone's; the middle width has nothing of its own. */
const judged = (width, scheme) => width === 1600 || (width === 390 && scheme === "light");

describe("every page", { concurrency: 2 }, () => {
  for (const width of [390, 1024, 1600]) {
    for (const scheme of ["light", "dark"]) {
      it(`stands as it should at ${width} px, ${scheme}`, async () => {
        await visit(browser, { width, scheme }, async (opened) => {
          const { page } = opened;
          const inspect = async (name) => {
            await picture(opened, name);
            if (judged(width, scheme)) await judge(opened, name);
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
        });
      });
    }
  }
});
