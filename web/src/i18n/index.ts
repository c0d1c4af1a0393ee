import { i18n, type Messages } from "@lingui/core";

export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;

interface Catalog {
  messages: Messages;
}

/** The texts in parts, each with a loader for each language. Which pages need which part, the routes say. */
const parts = {
  main: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=main" }),
  account: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=account" }),
  settings: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=settings" }),
  scanning: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=scanning" }),
  keeping: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=keeping" }),
  operations: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=operations" }),
  identity: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=identity" }),
  system: import.meta.glob<Catalog>("./locales/*.po", { query: "?part=system" }),
};

export type Part = keyof typeof parts;

/** The parts that some page was opened of: they follow when the language changes. */
const wanted = new Set<Part>(["main"]);

async function load(part: Part, language: Language) {
  const catalog = await parts[part][`./locales/${language}.po`]?.();
  if (catalog) i18n.load(language, catalog.messages);
}

function isLanguage(text: string | null | undefined): text is Language {
  return !!text && text in languages;
}

/** The language chosen before, else the first of the browser's that we speak, else English. */
export function preferredLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (isLanguage(stored)) return stored;
  return wanted.map((tag) => tag.split("-")[0]).find(isLanguage) ?? "en";
}

/** Loads the texts of a part of the pages, before one of them is shown. */
export async function loadPart(part: Part): Promise<void> {
  if (wanted.has(part)) return;
  await load(part, i18n.locale as Language);
  wanted.add(part);
}

/** Loads a language's texts and shows them. */
export async function activate(language: Language): Promise<void> {
  await Promise.all([...wanted].map((part) => load(part, language)));
  i18n.activate(language);
  document.documentElement.lang = language;
}

export { i18n };
