import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import { SizeField } from "../parts/SizeField";
import type { Size } from "../parts/size";
import { type Draft, meant } from "./draft";
import { EventTypes } from "./EventTypes";
import type { Setting } from "./settings";

interface Props {
  setting: Setting;
  draft: Draft;
  fixed: boolean;
  onChange: (value: string | boolean | Size) => void;
}

/** One setting: what it does, its default, and whether it is fixed from outside. */
export function SettingField({ setting, draft, fixed, onChange }: Props) {
  const { t, i18n } = useLingui();
  const typed = draft[setting.key];
  const common = {
    label: i18n._(setting.title),
    description: <Description setting={setting} fixed={fixed} />,
    disabled: fixed,
  };
  const text = {
    ...common,
    value: String(typed),
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  switch (setting.form) {
    case "switch":
      return (
        <Checkbox
          {...common}
          checked={typed === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "size":
      return <SizeField {...common} size={typed as Size} onChange={onChange} />;
    case "choice":
      return (
        <NativeSelect
          {...text}
          data={setting.options.map(({ value, label }) => ({ value, label: i18n._(label) }))}
        />
      );
    case "lines":
      return <Textarea {...text} rows={3} spellCheck={false} />;
    case "events":
      return <EventTypes {...common} value={String(typed)} onChange={onChange} />;
    case "number": {
      const unit = i18n._(setting.unit);
      const bad = meant(setting, draft) === undefined;
      return (
        <TextInput
          {...text}
          label={`${common.label} (${unit})`}
          inputMode="numeric"
          error={bad ? t`A whole number from ${setting.least} to ${setting.most}.` : undefined}
        />
      );
    }
    case "text":
      return <TextInput {...text} spellCheck={false} />;
  }
}

function Description({ setting, fixed }: { setting: Setting; fixed: boolean }): ReactNode {
  const { i18n } = useLingui();
  const initial = useInitial(setting);
  return (
    <>
      {i18n._(setting.help)} <Trans>Default: {initial}.</Trans>
      {fixed && (
        <>
          {" "}
          <Trans>Fixed from outside.</Trans>
        </>
      )}
    </>
  );
}

function useInitial(setting: Setting): string {
  const { t, i18n } = useLingui();
  const { initial } = setting;
  if (setting.form === "switch") return initial === true ? t`on` : t`off`;
  if (setting.form === "size") return t`no limit`;
  if (setting.form === "choice") {
    const option = setting.options.find(({ value }) => value === initial);
    return option ? i18n._(option.label) : String(initial);
  }
  return initial === "" ? t`empty` : String(initial);
}
