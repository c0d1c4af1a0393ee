import { expect, it } from "vitest";
import { preferredLanguage } from ".";

it.each([
  [null, ["de-AT", "en"], "de"],
  [null, ["fr", "de"], "de"],
  [null, ["fr"], "en"],
  ["en", ["de"], "en"],
  ["xx", ["de"], "de"],
] as const)("stored %s, browser %s: %s", (stored, wanted, language) => {
  expect(preferredLanguage(stored, wanted)).toBe(language);
});
