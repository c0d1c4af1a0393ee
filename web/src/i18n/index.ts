import { i18n } from "@lingui/core";

export const languages = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof languages;

const catalogs = {
  en: () => import("./locales/en.po"),
  de: () => import("./locales/de.po"),
};

function isLanguage(text: string | null | undefined): text is Language {
  return !!text && text in languages;
}

/** The language chosen before, else the first of the browser's that we speak, else English. */
export function preferredLanguage(stored: string | null, wanted: readonly string[]): Language {
  if (isLanguage(stored)) return stored;
  return wanted.map((tag) => tag.split("-")[0]).find(isLanguage) ?? "en";
}

/** Loads a language's texts and shows them. */
export async function activate(language: Language): Promise<void> {
  const { messages } = await catalogs[language]();
  i18n.load(language, messages);
  i18n.activate(language);
  document.documentElement.lang = language;
}

export { i18n };
