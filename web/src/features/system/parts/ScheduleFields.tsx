import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../../ui/Form";
import { isCron, type Kind, type Plan } from "./schedule";

interface Props {
  plan: Plan;
  onChange: (plan: Plan) => void;
}

/** How often something is done by itself. */
export function ScheduleFields({ plan, onChange }: Props) {
  const { t } = useLingui();
  const bad = plan.kind === "Custom" && plan.cron !== "" && !isCron(plan.cron);
  return (
    <Fields>
      <NativeSelect
        label={t`How often`}
        value={plan.kind}
        onChange={(event) => onChange({ ...plan, kind: event.currentTarget.value as Kind })}
        data={[
          { value: "None", label: t`Not by itself` },
          { value: "Hourly", label: t`Every hour` },
          { value: "Daily", label: t`Every day at midnight, UTC` },
          { value: "Weekly", label: t`Every Sunday at midnight, UTC` },
          { value: "Custom", label: t`At times that you write` },
        ]}
      />
      {plan.kind === "Custom" && (
        <TextInput
          label={t`Times`}
          placeholder="0 30 3 * * *"
          description={t`Six fields: second (0), minute, hour, day, month, weekday; in UTC.`}
          error={bad ? t`Six fields with blanks between them, the first is 0.` : undefined}
          value={plan.cron}
          spellCheck={false}
          onChange={(event) => onChange({ ...plan, cron: event.currentTarget.value })}
        />
      )}
    </Fields>
  );
}

/** Whether a plan can be saved. */
export function isComplete(plan: Plan): boolean {
  return plan.kind !== "Custom" || isCron(plan.cron);
}
