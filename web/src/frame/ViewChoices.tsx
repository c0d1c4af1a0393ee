import { Trans, useLingui } from "@lingui/react/macro";
import { type MantineColorScheme, Menu, useMantineColorScheme } from "@mantine/core";
import { usePreferences } from "../features/preferences/preferences";
import { type Language, languages } from "../i18n";

interface Choice<T> {
  value: T;
  label: string;
}

/** Colours, language and clock, as groups of a menu. Choosing leaves the menu open. */
export function ViewChoices() {
  const { t } = useLingui();
  // Stopping transitions needs a style element, which the content security policy refuses.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const { language, setLanguage, utc, setUtc } = usePreferences();
  const schemes: Choice<MantineColorScheme>[] = [
    { value: "auto", label: t`As the system` },
    { value: "light", label: t`Light` },
    { value: "dark", label: t`Dark` },
  ];
  const spoken = Object.entries(languages).map(([value, label]) => ({
    value: value as Language,
    label,
  }));
  const clocks = [
    { value: false, label: t`Local time` },
    { value: true, label: t`UTC` },
  ];
  return (
    <>
      <Menu.Label>
        <Trans>Colours</Trans>
      </Menu.Label>
      <Choices choices={schemes} chosen={colorScheme} onChoose={setColorScheme} />
      <Menu.Label>
        <Trans>Language</Trans>
      </Menu.Label>
      <Choices choices={spoken} chosen={language} onChoose={setLanguage} />
      <Menu.Label>
        <Trans>Clock</Trans>
      </Menu.Label>
      <Choices choices={clocks} chosen={utc} onChoose={setUtc} />
    </>
  );
}

interface ChoicesProps<T> {
  choices: Choice<T>[];
  chosen: T;
  onChoose: (value: T) => void;
}

function Choices<T extends string | boolean>({ choices, chosen, onChoose }: ChoicesProps<T>) {
  return choices.map(({ value, label }) => (
    <Menu.Item
      key={String(value)}
      role="menuitemradio"
      aria-checked={value === chosen}
      closeMenuOnClick={false}
      rightSection={value === chosen ? "✓" : null}
      onClick={() => onChoose(value)}
    >
      {label}
    </Menu.Item>
  ));
}
