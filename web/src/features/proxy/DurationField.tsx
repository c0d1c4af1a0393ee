import { useLingui } from "@lingui/react/macro";
import { NativeSelect, NumberInput } from "@mantine/core";
import { useState } from "react";
import { Fields } from "../../ui/Form";

const units = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

type Unit = keyof typeof units;

/** The largest unit in which a time is a whole number. */
function unitOf(seconds: number): Unit {
  const fit = (["day", "hour", "minute"] as const).find((unit) => seconds % units[unit] === 0);
  return seconds > 0 && fit ? fit : seconds > 0 ? "second" : "hour";
}

interface Props {
  label: string;
  description?: string;
  seconds: number;
  onChange: (seconds: number) => void;
}

/** A length of time, in a unit that suits it. */
export function DurationField({ label, description, seconds, onChange }: Props) {
  const { t } = useLingui();
  const [unit, setUnit] = useState(() => unitOf(seconds));
  const most = Math.floor((365 * units.day) / units[unit]);
  const number = seconds / units[unit];
  return (
    <Fields>
      <NumberInput
        label={label}
        description={description}
        allowDecimal={false}
        allowNegative={false}
        max={most}
        clampBehavior="strict"
        value={number}
        onChange={(value) => onChange(Math.round(Number(value) * units[unit]))}
      />
      <NativeSelect
        aria-label={t`${label}: unit`}
        data={[
          { value: "second", label: t`seconds` },
          { value: "minute", label: t`minutes` },
          { value: "hour", label: t`hours` },
          { value: "day", label: t`days` },
        ]}
        value={unit}
        onChange={(event) => {
          const next = event.currentTarget.value as Unit;
          setUnit(next);
          onChange(Math.min(number * units[next], 365 * units.day));
        }}
      />
    </Fields>
  );
}
