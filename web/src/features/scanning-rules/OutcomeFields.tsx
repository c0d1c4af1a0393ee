import { useLingui } from "@lingui/react/macro";
import { NativeSelect } from "@mantine/core";
import type { Outcome, Outcomes } from "./queries";
import classes from "./scanning.module.css";

interface Props {
  outcomes: Outcomes;
  disabled: boolean;
  onChange: (outcomes: Outcomes) => void;
}

/** What becomes of images that no report speaks for. */
export function OutcomeFields({ outcomes, disabled, onChange }: Props) {
  const { t } = useLingui();
  const fields: { key: keyof Outcomes; label: string; description: string }[] = [
    {
      key: "never_scanned",
      label: t`Never scanned`,
      description: t`Nobody asked for a report.`,
    },
    {
      key: "pending",
      label: t`Scan waits or runs`,
      description: t`The first report is being made.`,
    },
    { key: "failed", label: t`Scan failed`, description: t`And there was no report before.` },
    {
      key: "not_evaluated",
      label: t`Not evaluated`,
      description: t`A part of the image can't be judged.`,
    },
  ];
  return (
    <div className={classes.outcomes}>
      {fields.map(({ key, label, description }) => (
        <NativeSelect
          key={key}
          label={label}
          description={description}
          disabled={disabled}
          data={[
            { value: "block", label: t`Refuse` },
            { value: "allow", label: t`Allow` },
          ]}
          value={outcomes[key]}
          onChange={(event) =>
            onChange({ ...outcomes, [key]: event.currentTarget.value as Outcome })
          }
        />
      ))}
    </div>
  );
}
