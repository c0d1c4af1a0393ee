import { useLingui } from "@lingui/react/macro";
import { type MantineColorScheme, NativeSelect, useMantineColorScheme } from "@mantine/core";
import { type Language, languages } from "../../i18n";
import { usePreferences } from "../preferences/preferences";
import classes from "./Tokens.module.css";

/** How this browser shows texts, times and colours. Chosen at once, and nobody else is told. */
export function Look() {
  const { t } = useLingui();
  // Stopping transitions needs a style element, which the content security policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const { language, setLanguage, utc, setUtc } = usePreferences();
  return (
    <div className={classes.choices}>
      <NativeSelect
        label={t`Language`}
        data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
        value={language}
        onChange={(event) => setLanguage(event.currentTarget.value as Language)}
      />
      <NativeSelect
        label={t`Clock`}
        data={[
          { value: "local", label: t`Local time` },
          { value: "utc", label: t`UTC` },
        ]}
        value={utc ? "utc" : "local"}
        onChange={(event) => setUtc(event.currentTarget.value === "utc")}
      />
      <NativeSelect
        label={t`Colours`}
        data={[
          { value: "auto", label: t`As the system` },
          { value: "light", label: t`Light` },
          { value: "dark", label: t`Dark` },
        ]}
        value={colorScheme}
        onChange={(event) => setColorScheme(event.currentTarget.value as MantineColorScheme)}
      />
    </div>
  );
}
