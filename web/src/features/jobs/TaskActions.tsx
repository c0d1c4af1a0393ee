import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { asProblem } from "../../api/problem";
import { isUnderWay } from "../../ui/Status";
import classes from "./jobs.module.css";
import { type Task, useRetryTask, useStopTask } from "./queries";

interface Props {
  task: Task;
  open: boolean;
  onLog: () => void;
}

/** What can be done with a task: read its log, stop it, have it tried again. */
export function TaskActions({ task, open, onLog }: Props) {
  const { t } = useLingui();
  const stop = useStopTask();
  const retry = useRetryTask();
  const failed = stop.error ?? retry.error;
  const { id } = task;
  return (
    <div className={classes.actions}>
      <Button
        size="xs"
        variant="default"
        aria-expanded={open}
        aria-label={open ? t`Hide log of task ${id}` : t`Show log of task ${id}`}
        onClick={onLog}
      >
        {open ? <Trans>Hide log</Trans> : <Trans>Show log</Trans>}
      </Button>
      {isUnderWay(task.status) && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Stop task ${id}`}
          loading={stop.isPending}
          onClick={() => stop.mutate(id)}
        >
          <Trans>Stop</Trans>
        </Button>
      )}
      {task.status === "Error" && (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Retry task ${id}`}
          loading={retry.isPending}
          onClick={() => retry.mutate(id)}
        >
          <Trans>Retry</Trans>
        </Button>
      )}
      {failed && <span role="alert">{asProblem(failed).message}</span>}
    </div>
  );
}
