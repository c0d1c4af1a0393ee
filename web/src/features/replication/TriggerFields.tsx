import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect, TextInput } from "@mantine/core";
import { Fields } from "../../ui/Form";
import type { TriggerKind } from "./draft";
import type { PartProps } from "./PolicyForm";
import classes from "./replication.module.css";

/** What begins a policy. */
export function TriggerFields({ draft, wrong, change }: PartProps) {
  const { t } = useLingui();
  const { trigger, cron, source } = draft;
  const presets = [
    { value: "0 0 * * * *", label: t`each hour` },
    { value: "0 0 3 * * *", label: t`each day at 3:00` },
    { value: "0 0 3 * * 0", label: t`each Sunday at 3:00` },
  ];
  const own = !presets.some((preset) => preset.value === cron);
  return (
    <fieldset className={classes.fieldset}>
      <legend>
        <Trans>When</Trans>
      </legend>
      <Fields>
        <NativeSelect
          label={t`It begins`}
          data={[
            { value: "manual", label: t`by hand` },
            { value: "scheduled", label: t`by the clock` },
            { value: "event_based", label: t`with each push` },
          ]}
          value={trigger}
          onChange={(event) => change({ trigger: event.currentTarget.value as TriggerKind })}
        />
        {trigger === "scheduled" && (
          <NativeSelect
            label={t`Clock`}
            data={[...presets, { value: "", label: t`as below` }]}
            value={own ? "" : cron}
            onChange={(event) =>
              event.currentTarget.value && change({ cron: event.currentTarget.value })
            }
          />
        )}
      </Fields>
      {trigger === "scheduled" && (
        <TextInput
          label={t`Cron (UTC)`}
          description={t`Six fields, seconds first: seconds, minutes, hours, day, month, weekday`}
          autoComplete="off"
          spellCheck={false}
          value={cron}
          error={wrong("cron") && t`It has six fields, seconds first.`}
          onChange={(event) => change({ cron: event.currentTarget.value })}
        />
      )}
      {trigger === "event_based" && source !== 0 && (
        <p className={classes.help}>
          <Trans>
            The source is elsewhere: Haven looks there each minute, and at once when a webhook of
            that registry says so.
          </Trans>
        </p>
      )}
    </fieldset>
  );
}
