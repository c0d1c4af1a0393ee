import { Trans, useLingui } from "@lingui/react/macro";
import { useState } from "react";
import type { Schema } from "../../../api/client";
import { Form } from "../../../ui/Form";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { isComplete, ScheduleFields } from "../parts/ScheduleFields";
import { Shown } from "../parts/Shown";
import { planOf } from "../parts/schedule";
import { usePlanScan, useScanSchedule } from "./queries";

/** When everything is scanned by itself. */
export function ScanSchedule() {
  const { t } = useLingui();
  const schedule = useScanSchedule();
  return (
    <Shown query={schedule} what={t`The schedule can't be shown.`} rows={1}>
      {(data) => <PlanForm key={data?.schedule?.cron} schedule={data?.schedule} />}
    </Shown>
  );
}

function PlanForm({ schedule }: { schedule: Schema["ScheduleObj"] | undefined }) {
  const { t } = useLingui();
  const [plan, setPlan] = useState(() => planOf(schedule));
  const save = usePlanScan();
  return (
    <Form
      action={t`Save schedule`}
      busy={save.isPending}
      disabled={!isComplete(plan)}
      error={save.error}
      failed={t`The schedule stays as it was.`}
      done={save.isSuccess ? t`The schedule is saved.` : undefined}
      onSubmit={() => save.mutate(plan)}
    >
      <ScheduleFields
        plan={plan}
        onChange={(next) => {
          save.reset();
          setPlan(next);
        }}
      />
      {schedule?.next_scheduled_time && schedule.type !== "None" && (
        <p className={classes.small}>
          <Trans>
            Next time: <When time={schedule.next_scheduled_time} />
          </Trans>
        </p>
      )}
    </Form>
  );
}
