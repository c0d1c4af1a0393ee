import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, TextInput } from "@mantine/core";
import { useState } from "react";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { Runs } from "./Runs";
import { UpkeepForm } from "./UpkeepForm";
import { parametersOf, purge, type Run, useUpkeepSchedule } from "./upkeep";

/** How long the audit log is kept. */
export function Purge() {
  const { t } = useLingui();
  const schedule = useUpkeepSchedule(purge);
  return (
    <Section title={t`Purge of the audit log`}>
      <p className={classes.prose}>
        <Trans>
          Rows of the audit log stay until a purge deletes them. What waits to be forwarded is not
          purged. A row that is gone can't be restored.
        </Trans>
      </p>
      <Shown query={schedule} what={t`The schedule can't be shown.`}>
        {(data) => <PurgeForm key={data?.update_time} schedule={data} />}
      </Shown>
      <Runs
        upkeep={purge}
        caption={t`Purges of the audit log`}
        none={t`The audit log was never purged.`}
        outcome={(run) => <Outcome run={run} />}
      />
    </Section>
  );
}

function PurgeForm({ schedule }: { schedule: Run | null }) {
  const { t } = useLingui();
  const before = parametersOf(schedule);
  const [days, setDays] = useState(String(Number(before.audit_retention_hour ?? 2160) / 24));
  const [kinds, setKinds] = useState(
    String(before.include_event_types ?? "create_artifact,delete_artifact,pull_artifact").split(
      ",",
    ),
  );
  const hours = Math.round(Number(days) * 24);
  const bad = !Number.isFinite(hours) || hours < 1 || hours > 8_784_000;
  const choices = [
    { value: "pull_artifact", label: t`Pulls` },
    { value: "create_artifact", label: t`Pushes` },
    { value: "delete_artifact", label: t`Deletions of artifacts` },
    { value: "other", label: t`Everything else` },
  ];
  return (
    <UpkeepForm
      upkeep={purge}
      schedule={schedule}
      now={t`Purge now`}
      ready={!bad && kinds.length > 0}
      parameters={{ audit_retention_hour: hours, include_event_types: kinds.join(",") }}
    >
      <TextInput
        label={t`Delete what is older than, in days`}
        inputMode="decimal"
        error={bad ? t`A number of days, at least an hour (0.05).` : undefined}
        value={days}
        onChange={(event) => setDays(event.currentTarget.value)}
      />
      <Checkbox.Group
        label={t`Rows about`}
        error={kinds.length === 0 ? t`Choose at least one.` : undefined}
        value={kinds}
        onChange={setKinds}
      >
        <div className={classes.checks}>
          {choices.map(({ value, label }) => (
            <Checkbox key={value} value={value} label={label} />
          ))}
        </div>
      </Checkbox.Group>
    </UpkeepForm>
  );
}

function Outcome({ run }: { run: Run }) {
  const { dry_run, audit_retention_hour } = parametersOf(run);
  const days = Math.round(Number(audit_retention_hour ?? 0) / 2.4) / 10;
  return dry_run === true ? (
    <Trans>would go: rows older than {days} days; the log counts them</Trans>
  ) : (
    <Trans>rows older than {days} days; the log counts them</Trans>
  );
}
