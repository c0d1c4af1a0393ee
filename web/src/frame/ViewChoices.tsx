import { useLingui } from "@lingui/react/macro";
import { type MantineColorScheme, Menu, useMantineColorScheme } from "@mantine/core";
import { usePreferences } from "../features/preferences/preferences";
import { type Language, languages } from "../i18n";

interface Choice {
  value: string;
  label: string;
}

/** Colours, language and clock, as groups of a menu. Choosing leaves the menu open. */
export function ViewChoices() {
  const { t } = useLingui();
  // Stopping transitions needs a style element, which the content security policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const { language, setLanguage, utc, setUtc } = usePreferences();
  const schemes: Choice[] = [
    { value: "auto", label: t`As the system` },
    { value: "light", label: t`Light` },
    { value: "dark", label: t`Dark` },
  ];
  const spoken = Object.entries(languages).map(([value, label]) => ({
    value,
    label,
  }));
  const clocks = [
    { value: "local", label: t`Local time` },
    { value: "utc", label: t`UTC` },
  ];
  return (
    <>
      <Choices
        title={t`Colours`}
        choices={schemes}
        chosen={colorScheme}
        onChoose={(value) => setColorScheme(value as MantineColorScheme)}
      />
      <Choices
        title={t`Language`}
        choices={spoken}
        chosen={language}
        onChoose={(value) => setLanguage(value as Language)}
      />
      <Choices
        title={t`Clock`}
        choices={clocks}
        chosen={utc ? "utc" : "local"}
        onChoose={(value) => setUtc(value === "utc")}
      />
    </>
  );
}

interface ChoicesProps {
  title: string;
  choices: Choice[];
  chosen: string;
  onChoose: (value: string) => void;
}

function Choices({ title, choices, chosen, onChoose }: ChoicesProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has no place in a menu
    <div role="group" aria-label={title}>
      <Menu.Label>{title}</Menu.Label>
      <Menu.RadioGroup value={chosen} onChange={onChoose}>
        {choices.map(({ value, label }) => (
          <Menu.RadioItem key={value} value={value}>
            {label}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
    </div>
  );
}
