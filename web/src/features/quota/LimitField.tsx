import { useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { bytesOf, type Typed, type Unit, units } from "./limit";
import classes from "./quota.module.css";

interface Props {
  value: Typed;
  onChange: (value: Typed) => void;
  /** Where nothing typed means something, too. */
  optional?: string;
}

/** How much a project may hold: a number, its unit, or no limit. */
export function LimitField({ value, onChange, optional }: Props) {
  const { t } = useLingui();
  const wrong = bytesOf(value) === undefined && !(optional && value.amount === "");
  return (
    <div className={classes.limit}>
      <TextInput
        label={t`Storage limit`}
        description={optional}
        inputMode="decimal"
        disabled={value.unlimited}
        value={value.amount}
        error={
          wrong && (value.amount !== "" || !optional) ? t`A number up to 1024 TiB.` : undefined
        }
        onChange={(event) => onChange({ ...value, amount: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label={t`Unit of the limit`}
        data={units}
        disabled={value.unlimited}
        value={value.unit}
        onChange={(event) => onChange({ ...value, unit: event.currentTarget.value as Unit })}
      />
      <Checkbox
        className={classes.unlimited}
        label={t`No limit`}
        checked={value.unlimited}
        onChange={(event) => onChange({ ...value, unlimited: event.currentTarget.checked })}
      />
    </div>
  );
}
