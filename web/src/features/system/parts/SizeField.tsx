import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./parts.module.css";
import { bytesOf, type Size, type Unit, units } from "./size";

interface Props {
  label: string;
  description?: ReactNode;
  size: Size;
  disabled?: boolean;
  onChange: (size: Size) => void;
}

/** A limit of space: a number and its unit, empty for none. */
export function SizeField({ label, description, size, disabled = false, onChange }: Props) {
  const { t } = useLingui();
  return (
    <div className={classes.size}>
      <TextInput
        label={label}
        description={description}
        placeholder={t`No limit`}
        inputMode="decimal"
        disabled={disabled}
        value={size.amount}
        error={bytesOf(size) === undefined ? t`A number above 0, up to 1024 TiB.` : undefined}
        onChange={(event) => onChange({ ...size, amount: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label={t`Unit`}
        data={[...units]}
        disabled={disabled}
        value={size.unit}
        onChange={(event) => onChange({ ...size, unit: event.currentTarget.value as Unit })}
      />
    </div>
  );
}
