import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { isUnderWay } from "../../ui/Status";
import { type Execution, useRetryExecution, useStopExecution } from "./queries";

/** Stops work that goes on, or has what failed of it tried again. */
export function ExecutionActions({ execution }: { execution: Execution }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const stop = useStopExecution();
  const retry = useRetryExecution();
  const [asks, setAsks] = useState(false);
  const { failed } = execution.tasks;
  const why = retry.error instanceof Error ? retry.error.message : "";
  return (
    <>
      {isUnderWay(execution.status) && (
        <Button variant="default" onClick={() => setAsks(true)}>
          <Trans>Stop work</Trans>
        </Button>
      )}
      {failed > 0 && (
        <Button
          variant="default"
          loading={retry.isPending}
          onClick={() =>
            retry.mutate(execution.id, {
              onSuccess: () => say(t`${failed} failed tasks are tried again.`),
            })
          }
        >
          <Trans>Retry failed tasks</Trans>
        </Button>
      )}
      {why && <span role="alert">{t`Nothing is tried again: ${why}`}</span>}
      <ConfirmDialog
        opened={asks}
        title={t`Stop work`}
        action={t`Stop work`}
        busy={stop.isPending}
        error={stop.error}
        failed={t`The work was not stopped.`}
        onClose={() => setAsks(false)}
        onConfirm={() => stop.mutate(execution.id, { onSuccess: () => setAsks(false) })}
      >
        <p>
          <Trans>
            Tasks that wait never begin, and those that run end within seconds. What is done stays
            done.
          </Trans>
        </p>
      </ConfirmDialog>
    </>
  );
}
