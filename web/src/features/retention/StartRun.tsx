import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import classes from "./retention.module.css";
import { useStartRun } from "./runs";

interface Props {
  project: string;
  policy: number;
  dirty: boolean;
}

/** Carries the policy out, or tries what that would do; then shows how it goes. */
export function StartRun({ project, policy, dirty }: Props) {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const start = useStartRun(policy);
  const begin = (dry: boolean) =>
    start.mutate(dry, {
      onSuccess: (run) =>
        navigate({
          to: "/p/$project/settings/retention/runs/$run",
          params: { project, run: String(run) },
        }),
    });
  return (
    <div className={classes.buttons}>
      <Button
        variant="default"
        disabled={dirty}
        loading={start.isPending && start.variables}
        onClick={() => begin(true)}
      >
        <Trans>Try in a dry run</Trans>
      </Button>
      <Button variant="default" disabled={dirty} onClick={() => setAsked(true)}>
        <Trans>Run policy now</Trans>
      </Button>
      {dirty && (
        <span className={classes.facts}>
          <Trans>Save the policy first: a run goes by what is saved.</Trans>
        </span>
      )}
      <ConfirmDialog
        opened={asked}
        title={t`Run policy now`}
        action={t`Run policy now`}
        busy={start.isPending}
        error={start.error}
        failed={t`The run was not begun.`}
        onClose={() => setAsked(false)}
        onConfirm={() => begin(false)}
      >
        <p>
          <Trans>
            What no rule keeps is deleted in {project}. A run can be undone as long as the trash
            keeps what was deleted: seven days, unless your administrator set another time.
          </Trans>
        </p>
      </ConfirmDialog>
    </div>
  );
}
