import { useLingui } from "@lingui/react/macro";
import { TextInput } from "@mantine/core";
import { useId } from "react";
import classes from "./ColorChoice.module.css";
import { colors, isColor } from "./color";

interface Props {
  value: string;
  onChange: (color: string) => void;
}

/** One of some colours, or any that is typed. */
export function ColorChoice({ value, onChange }: Props) {
  const { t } = useLingui();
  const group = useId();
  return (
    <fieldset className={classes.choice}>
      <legend>{t`Colour`}</legend>
      <div className={classes.colors}>
        {colors.map((color) => (
          <label key={color} className={classes.color} title={color}>
            <input
              type="radio"
              name={group}
              aria-label={t`Colour ${color}`}
              checked={value.toLowerCase() === color}
              onChange={() => onChange(color)}
            />
            <svg width={24} height={24} viewBox="0 0 24 24" aria-hidden>
              <circle cx={12} cy={12} r={9} fill={color} />
            </svg>
          </label>
        ))}
      </div>
      <TextInput
        aria-label={t`Another colour`}
        spellCheck={false}
        value={value}
        error={isColor(value) ? undefined : t`A colour as #rrggbb.`}
        onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
    </fieldset>
  );
}
