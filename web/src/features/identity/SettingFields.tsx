import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, PasswordInput, Textarea, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./identity.module.css";
import type { Draft } from "./settings";

interface Props {
  draft: Draft;
  /** The setting's name in the API. */
  name: string;
  label: string;
  description?: ReactNode;
  placeholder?: string;
}

const plain = { autoComplete: "off", autoCapitalize: "none", spellCheck: false } as const;

function common({ draft, name, label, description }: Props) {
  return { label, description, disabled: !draft.editable(name) };
}

export function TextSetting(props: Props) {
  const { draft, name, placeholder } = props;
  return (
    <TextInput
      {...common(props)}
      {...plain}
      {...(placeholder && { placeholder })}
      value={draft.text(name)}
      onChange={(event) => draft.set(name, event.currentTarget.value)}
    />
  );
}

/** Several lines, such as certificates. */
export function LongSetting(props: Props) {
  const { draft, name, placeholder } = props;
  return (
    <Textarea
      {...common(props)}
      {...plain}
      {...(placeholder && { placeholder })}
      className={classes.code}
      rows={4}
      value={draft.text(name)}
      onChange={(event) => draft.set(name, event.currentTarget.value)}
    />
  );
}

/** Something that can be set and never read again. */
export function SecretSetting(props: Props) {
  const { t } = useLingui();
  const { draft, name } = props;
  return (
    <PasswordInput
      {...common(props)}
      autoComplete="new-password"
      placeholder={t`Unchanged`}
      visibilityToggleButtonProps={{ "aria-label": t`Show password`, tabIndex: 0 }}
      value={draft.text(name)}
      onChange={(event) => draft.set(name, event.currentTarget.value)}
    />
  );
}

export function NumberSetting(props: Props) {
  const { t } = useLingui();
  const { draft, name } = props;
  return (
    <TextInput
      {...common(props)}
      inputMode="numeric"
      autoComplete="off"
      value={draft.text(name)}
      error={draft.wrong(name) ? t`A whole number, please.` : undefined}
      onChange={(event) => draft.set(name, event.currentTarget.value)}
    />
  );
}

export function TruthSetting(props: Props) {
  const { draft, name } = props;
  return (
    <Checkbox
      {...common(props)}
      checked={draft.value(name) === true}
      onChange={(event) => draft.set(name, event.currentTarget.checked)}
    />
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function ChoiceSetting({ choices, ...props }: Props & { choices: Choice[] }) {
  const { draft, name } = props;
  return (
    <NativeSelect
      {...common(props)}
      data={choices}
      value={draft.text(name)}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        draft.set(name, typeof draft.value(name) === "number" ? Number(chosen) : chosen);
      }}
    />
  );
}
