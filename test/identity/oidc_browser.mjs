// Somebody of the company in a browser: in by the provider, the secret for docker, out on both sides.
import assert from "node:assert/strict";
import { join } from "node:path";
import { launch } from "../portal/browser.mjs";

const { PORTAL_URL: haven, PORTAL_SHOTS: shots, ISSUER: issuer } = process.env;
const browser = await launch();
const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(20_000);
const faults = [];
page.on("pageerror", (error) => faults.push(error.message));
page.on("console", (message) => {
  // The provider's own page isn't ours to judge, and a sign-out that goes on there is a 403 of Harbor's.
  const known = !page.url().startsWith(haven) || message.location().url === `${haven}/c/log_out`;
  if (message.type() === "error" && !known) faults.push(message.text());
});

async function steps() {
  await page.goto(`${haven}/me`);
  await page.getByRole("link", { name: "Sign in with Company" }).click();
  await page.waitForURL(`${issuer}/**`);
  await page.locator('input[name="login"]').fill("alice");
  await page.locator('input[name="password"]').fill("any");
  await page.locator('button[type="submit"]').click();

  await page.waitForURL(`${haven}/me`);
  const secret = page.getByLabel("CLI secret", { exact: true }).and(page.locator("input"));
  const first = await secret.inputValue();
  assert.ok(first.length >= 20, `a CLI secret of ${first.length} characters`);
  assert.equal(await secret.getAttribute("type"), "password");
  await page.getByRole("button", { name: "Show secret" }).click();
  assert.equal(await secret.getAttribute("type"), "text");
  await page.screenshot({ path: join(shots, "oidc-account.png"), fullPage: true });
  await page.getByRole("button", { name: "Make a new secret" }).click();
  await page.getByText("The secret is new").waitFor();
  await page.waitForFunction((old) => document.querySelector("input[readonly]")?.value !== old, first);

  const cookies = await context.cookies(haven);
  const session = cookies.find((cookie) => cookie.name === "sid");
  assert.equal(session?.sameSite, "Strict");
  assert.ok(session?.httpOnly);
  assert.ok(!cookies.some((cookie) => cookie.name === "oidc_flow"), "the attempt's cookie is still there");

  await page.getByRole("button", { name: "alice", exact: true }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.waitForURL(`${issuer}/session/end**`);
  await page.locator('button[value="yes"]').click();
  await page.waitForURL(`${haven}/account/sign-in**`);
  await page.getByRole("link", { name: "Sign in with Company" }).waitFor();
  await page.screenshot({ path: join(shots, "oidc-sign-in.png"), fullPage: true });

  // What goes wrong on the way comes back as a page with words.
  await page.goto(`${haven}/c/oidc/callback?state=x&code=y`);
  await page.waitForURL(`${haven}/account/sign-in?reason=flow`);
  await page.getByRole("alert").waitFor();
}

try {
  await steps();
  assert.deepEqual(faults, []);
} catch (error) {
  await page.screenshot({ path: join(shots, "oidc-failed.png"), fullPage: true }).catch(() => undefined);
  console.error(`${error.stack}\nat ${page.url()}, faults: ${faults.join("; ")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
