import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, TextInput } from "@mantine/core";
import type { PartProps } from "./PolicyForm";
import classes from "./replication.module.css";

/** How images are copied. */
export function HowFields({ draft, wrong, change }: PartProps) {
  const { t } = useLingui();
  return (
    <fieldset className={classes.fieldset}>
      <legend>
        <Trans>How</Trans>
      </legend>
      <Checkbox
        label={t`Move tags that exist`}
        description={t`A tag at the destination that leads to something else moves`}
        checked={draft.override}
        onChange={(event) => change({ override: event.currentTarget.checked })}
      />
      <Checkbox
        label={t`Delete what the source has no more`}
        description={t`Only what this policy brought; what others pushed stays`}
        checked={draft.deletion}
        onChange={(event) => change({ deletion: event.currentTarget.checked })}
      />
      <Checkbox
        label={t`One run at a time`}
        description={
          draft.trigger === "event_based"
            ? t`Does not go with each push: repositories are copied side by side`
            : t`A run that would begin while another goes on is left out`
        }
        disabled={draft.trigger === "event_based"}
        checked={draft.single && draft.trigger !== "event_based"}
        onChange={(event) => change({ single: event.currentTarget.checked })}
      />
      <Checkbox
        label={t`Send in pieces`}
        description={t`Requests of 10 MiB, for proxies that take no longer ones`}
        checked={draft.chunks}
        onChange={(event) => change({ chunks: event.currentTarget.checked })}
      />
      <TextInput
        label={t`Bandwidth in KB/s`}
        description={t`For each repository at a time; 0 for as fast as it goes`}
        inputMode="numeric"
        autoComplete="off"
        value={Number.isNaN(draft.speed) ? "" : String(draft.speed)}
        error={wrong("speed") && t`A whole number, 0 or more.`}
        onChange={(event) => {
          const text = event.currentTarget.value.trim();
          change({ speed: text === "" ? Number.NaN : Number(text) });
        }}
      />
    </fieldset>
  );
}
