// Fails when a text of the portal is not in the catalogs, or has no German words.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const path = (language) => new URL(`../src/i18n/locales/${language}.po`, import.meta.url).pathname;
const languages = ["en", "de"];
const before = languages.map((language) => readFileSync(path(language), "utf8"));
execFileSync("npx", ["lingui", "extract", "--clean"], { stdio: "pipe" });
const after = languages.map((language) => readFileSync(path(language), "utf8"));
languages.forEach((language, index) => {
  writeFileSync(path(language), before[index]);
});

// All of a catalog but its date: where a text is used says in which part of the texts it is.
const texts = (catalog) => catalog.replace(/^"POT-Creation-Date.*$/m, "");
const faults = languages.flatMap((language, index) =>
  texts(before[index]) === texts(after[index])
    ? []
    : [`${language}.po is not up to date: run npm run extract`],
);
const blank = [...before[1].matchAll(/^msgid "(.+)"\nmsgstr ""$/gm)].map((match) => match[1]);
faults.push(...blank.map((text) => `de.po has no words for: ${text}`));
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
