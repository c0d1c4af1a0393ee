import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { useEventTypes } from "./queries";

interface Props {
  label: string;
  description: ReactNode;
  disabled: boolean;
  /** Names with commas between them. */
  value: string;
  onChange: (value: string) => void;
}

/** Kinds of rows of the audit log to choose from. */
export function EventTypes({ label, description, disabled, value, onChange }: Props) {
  const { t } = useLingui();
  const types = useEventTypes();
  const chosen = value.split(",").filter(Boolean);
  return (
    <details>
      <summary className={classes.summary}>
        {label}: {chosen.length > 0 ? chosen.join(", ") : <Trans>none</Trans>}
      </summary>
      <Shown query={types} what={t`The kinds of rows can't be listed.`}>
        {(all) => (
          <Checkbox.Group
            aria-label={label}
            description={description}
            value={chosen}
            onChange={(next) => onChange([...next].sort().join(","))}
          >
            <div className={classes.checks}>
              {all.map((type) => (
                <Checkbox key={type} value={type} label={type} disabled={disabled} size="xs" />
              ))}
            </div>
          </Checkbox.Group>
        )}
      </Shown>
    </details>
  );
}
