// A browser that notices what no page may do: talk to another host, complain on the console, break an
// accessibility rule, or need sideways scrolling.
import assert from "node:assert/strict";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const url = process.env.PORTAL_URL;
export const host = new URL(url).host;
export const password = process.env.PORTAL_PASSWORD;

export const chromiumArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: chromiumArguments });
}

/** Opens a page that keeps watch. `visit.faults` lists what happened; `done` fails on any. */
export async function open(browser, { width = 1440, scheme = "light", locale = "en-GB" } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    locale,
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on("request", (request) => {
    if (new URL(request.url()).host !== host) faults.push(`request to ${request.url()}`);
  });
  return { page, faults, width, scheme, done: () => finish(context, faults) };
}

async function finish(context, faults) {
  await context.close();
  assert.deepEqual(faults, []);
}

/** Runs steps in a page and closes it, whatever happens. */
export async function visit(browser, options, steps) {
  const opened = await open(browser, options);
  try {
    await steps(opened);
  } catch (error) {
    const shot = join(process.env.PORTAL_SHOTS, "failed.png");
    await opened.page.screenshot({ path: shot, fullPage: true }).catch(() => undefined);
    error.message += `\nat ${opened.page.url()}, faults: ${opened.faults.join("; ")}`;
    throw error;
  }
  await opened.done();
}

/** Checks how a page stands: accessible, no wider than the screen; and leaves a picture. */
export async function inspect({ page, width, scheme }, name) {
  await picture({ page, width, scheme }, name);
  await judge({ page, width, scheme }, name);
}

/** Leaves a picture of a page, which may be no wider than the screen. */
export async function picture({ page, width, scheme }, name) {
  await page.locator("[data-loading]").first().waitFor({ state: "detached" });
  const path = join(process.env.PORTAL_SHOTS, `${name}-${width}-${scheme}.png`);
  await page.evaluate(() => window.scrollTo(0, 0)); // else what sticks to the window stands in the middle of the picture
  await page.screenshot({ path, fullPage: true });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wider <= 0, `${name} at ${width} px: ${wider} px too wide`);
}

/** Checks that a page breaks no rule of accessibility. */
export async function judge({ page, width, scheme }, name) {
  // No page has frames, and what is well needs no report: a third of the time.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] }).analyze();
  const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(found, [], `${name} at ${width} px, ${scheme}`);
}

/** Signs in by the form at /. */
export async function signIn(page, name = "admin", secret = password) {
  await page.goto(`${url}/`);
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(secret);
  await page.locator("form").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Hello, " }).waitFor();
}

/** The text on the clipboard. */
export function clipboard(page) {
  return page.evaluate(() => navigator.clipboard.readText());
}
