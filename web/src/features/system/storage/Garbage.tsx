import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox, NativeSelect } from "@mantine/core";
import { useState } from "react";
import { Bytes } from "../../../ui/Bytes";
import { Section } from "../../../ui/Page";
import classes from "../parts/parts.module.css";
import { Shown } from "../parts/Shown";
import { Runs } from "./Runs";
import { UpkeepForm } from "./UpkeepForm";
import { garbage, parametersOf, type Run, useUpkeepSchedule } from "./upkeep";

/** What only somebody can decide about garbage; the rest goes by itself. */
export function Garbage() {
  const { t } = useLingui();
  const schedule = useUpkeepSchedule(garbage);
  return (
    <Section title={t`Garbage collection`}>
      <p className={classes.prose}>
        <Trans>
          Haven takes space back by itself, all the time, while pushes and pulls go on: what no
          manifest names is deleted two hours later (reclaim_after), what was deleted once it can't
          be restored any more. A run is for artifacts without a tag, which only you can call
          garbage, and to see it done.
        </Trans>
      </p>
      <Shown query={schedule} what={t`The schedule can't be shown.`}>
        {(data) => <GarbageForm key={data?.update_time} schedule={data} />}
      </Shown>
      <Runs
        upkeep={garbage}
        caption={t`Runs of garbage collection`}
        none={t`No run was ever asked for.`}
        outcome={(run) => (
          <span>
            <Outcome run={run} />
          </span>
        )}
      />
    </Section>
  );
}

function GarbageForm({ schedule }: { schedule: Run | null }) {
  const { t } = useLingui();
  const before = parametersOf(schedule);
  const [untagged, setUntagged] = useState(before.delete_untagged === true);
  const [workers, setWorkers] = useState(String(before.workers ?? 1));
  return (
    <UpkeepForm
      upkeep={garbage}
      schedule={schedule}
      now={t`Collect garbage now`}
      parameters={{ delete_untagged: untagged, workers: Number(workers) }}
    >
      <Checkbox
        label={t`Delete artifacts without a tag`}
        description={t`Two hours old at least. Parts of an index, signatures and what else belongs to an artifact that stays are kept.`}
        checked={untagged}
        onChange={(event) => setUntagged(event.currentTarget.checked)}
      />
      <NativeSelect
        label={t`Blobs deleted at a time`}
        data={Array.from({ length: 10 }, (_, index) => String(index + 1))}
        value={workers}
        onChange={(event) => setWorkers(event.currentTarget.value)}
      />
    </UpkeepForm>
  );
}

function Outcome({ run }: { run: Run }) {
  const { freed_space, purged_blobs, purged_manifests, dry_run } = parametersOf(run);
  const bytes = Number(freed_space ?? 0);
  const blobs = Number(purged_blobs ?? 0);
  const manifests = Number(purged_manifests ?? 0);
  if (dry_run === true)
    return (
      <Trans>
        would free <Bytes value={bytes} />: {blobs} blobs, {manifests} manifests
      </Trans>
    );
  return (
    <Trans>
      freed <Bytes value={bytes} />: {blobs} blobs, {manifests} manifests
    </Trans>
  );
}
