import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Form } from "../../../ui/Form";
import { When } from "../../../ui/When";
import classes from "../parts/parts.module.css";
import { isComplete, ScheduleFields } from "../parts/ScheduleFields";
import { planOf } from "../parts/schedule";
import { type Parameters, type Run, type Upkeep, useUpkeep } from "./upkeep";

interface Props {
  upkeep: Upkeep;
  schedule: Run | null;
  /** The fields that say what is done. */
  children: ReactNode;
  parameters: Parameters;
  ready?: boolean;
  now: string;
}

/** What is done, when by itself, and a button each to try it and to do it now. */
export function UpkeepForm({ upkeep, schedule, children, parameters, ready = true, now }: Props) {
  const { t } = useLingui();
  const [plan, setPlan] = useState(() => planOf(schedule?.schedule));
  const save = useUpkeep(upkeep);
  const begin = useUpkeep(upkeep);
  const done = save.isSuccess
    ? t`The schedule is saved.`
    : begin.isSuccess
      ? t`It has begun; see below.`
      : undefined;
  const run = (dry: boolean) => {
    save.reset();
    begin.mutate({ parameters: { ...parameters, dry_run: dry } });
  };
  return (
    <Form
      action={t`Save schedule`}
      busy={save.isPending}
      disabled={!ready || !isComplete(plan)}
      error={save.error ?? begin.error}
      failed={save.isError ? t`The schedule stays as it was.` : t`It did not begin.`}
      done={done}
      onSubmit={() => {
        begin.reset();
        save.mutate({ plan, parameters: { ...parameters, dry_run: false } });
      }}
      more={
        <>
          <Button variant="default" disabled={!ready} onClick={() => run(true)}>
            <Trans>Try without deleting</Trans>
          </Button>
          <Button variant="default" disabled={!ready} onClick={() => run(false)}>
            {now}
          </Button>
        </>
      }
    >
      {children}
      <ScheduleFields
        plan={plan}
        onChange={(next) => {
          save.reset();
          setPlan(next);
        }}
      />
      {schedule?.schedule?.next_scheduled_time && (
        <p className={classes.small}>
          <Trans>
            Next time: <When time={schedule.schedule.next_scheduled_time} />
          </Trans>
        </p>
      )}
    </Form>
  );
}
