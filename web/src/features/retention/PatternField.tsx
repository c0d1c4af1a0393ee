import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import classes from "./retention.module.css";

interface Props {
  /** What is chosen: repositories or tags. */
  label: string;
  excluding: boolean;
  pattern: string;
  disabled?: boolean;
  onChange: (excluding: boolean, pattern: string) => void;
}

/** A pattern of names, and whether it says those that are meant or those that aren't. */
export function PatternField({ label, excluding, pattern, disabled = false, onChange }: Props) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.pattern} disabled={disabled}>
      <legend>{label}</legend>
      <NativeSelect
        aria-label={t`${label}: how the pattern is meant`}
        data={[
          { value: "matching", label: t`matching` },
          { value: "excluding", label: t`other than` },
        ]}
        value={excluding ? "excluding" : "matching"}
        onChange={(event) => onChange(event.currentTarget.value === "excluding", pattern)}
      />
      <TextInput
        aria-label={t`${label}: pattern`}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={4096}
        value={pattern}
        placeholder="**"
        onChange={(event) => onChange(excluding, event.currentTarget.value)}
      />
    </fieldset>
  );
}
