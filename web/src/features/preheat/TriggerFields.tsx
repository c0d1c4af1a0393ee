import { useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import { type Draft, isCron, type Trigger } from "./draft";
import { triggerWords } from "./words";

interface Props {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
}

/** When a policy is carried out. */
export function TriggerFields({ draft, change }: Props) {
  const { t, i18n } = useLingui();
  const triggers = Object.entries(triggerWords);
  return (
    <Fields>
      <NativeSelect
        label={t`When`}
        data={triggers.map(([value, title]) => ({ value, label: i18n._(title) }))}
        value={draft.trigger}
        onChange={(event) => change({ trigger: event.currentTarget.value as Trigger })}
      />
      {draft.trigger === "scheduled" && (
        <TextInput
          label={t`Schedule`}
          description={t`Second, minute, hour, day, month, weekday; in UTC.`}
          spellCheck={false}
          value={draft.cron}
          error={
            !isCron(draft.cron) && t`Six fields with spaces between them, the first of them 0.`
          }
          onChange={(event) => change({ cron: event.currentTarget.value })}
        />
      )}
    </Fields>
  );
}
