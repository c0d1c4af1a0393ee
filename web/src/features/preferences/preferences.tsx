import { createContext, type ReactNode, useContext, useMemo, useState } from "react";
import { activate, type Language, preferredLanguage } from "../../i18n";
import { recall, remember } from "../../ui/storage";

interface Preferences {
  language: Language;
  setLanguage: (language: Language) => void;
  utc: boolean;
  setUtc: (utc: boolean) => void;
}

const Context = createContext<Preferences | undefined>(undefined);

/** The language to start with, before anything is on the screen. */
export function firstLanguage(): Language {
  return preferredLanguage(recall("language"), navigator.languages);
}

/** How this browser shows texts and times. Nothing of it is known to the server. */
export function PreferencesProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  const [utc, setUtc] = useState(() => recall("utc") === "yes");

  const value = useMemo<Preferences>(
    () => ({
      language,
      setLanguage: (next) => {
        remember("language", next);
        activate(next).then(() => setLanguage(next));
      },
      utc,
      setUtc: (next) => {
        remember("utc", next ? "yes" : "no");
        setUtc(next);
      },
    }),
    [language, utc],
  );
  return <Context value={value}>{children}</Context>;
}

export function usePreferences(): Preferences {
  const value = useContext(Context);
  if (!value) throw new Error("usePreferences outside PreferencesProvider");
  return value;
}
