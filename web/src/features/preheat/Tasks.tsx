import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Status } from "../../ui/Status";
import { Failed, Loading } from "../../ui/states";
import classes from "./preheat.module.css";
import { type Run, type Task, useTaskLog, useTasks } from "./queries";

/** The images of an execution, each with its log. */
export function Tasks({ run, underWay }: { run: Run; underWay: boolean }) {
  const { t } = useLingui();
  const tasks = useTasks(run, underWay);
  const [open, setOpen] = useState(0);
  if (tasks.isPending) return <Loading rows={2} />;
  if (tasks.isError) {
    return (
      <Failed
        what={t`The images can't be listed.`}
        error={tasks.error}
        retry={() => tasks.refetch()}
      />
    );
  }
  if (tasks.data.total === 0) return <p>{t`No image matched, or none is known yet.`}</p>;
  const columns: Column<Task>[] = [
    { key: "image", title: t`Image`, names: true, cell: (task) => imageOf(task) },
    { key: "status", title: t`Status`, cell: (task) => <Status of={task.status} /> },
    { key: "why", title: t`Note`, cell: (task) => task.status_message || "–" },
    {
      key: "log",
      title: t`Log`,
      cell: (task) => (
        <Button
          size="xs"
          variant="default"
          aria-expanded={open === task.id}
          aria-label={t`Log of ${imageOf(task)}`}
          onClick={() => setOpen(open === task.id ? 0 : (task.id ?? 0))}
        >
          <Trans>Log</Trans>
        </Button>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Images of the execution`}
      columns={columns}
      rows={tasks.data.items}
      rowKey={(task) => String(task.id)}
      below={(task) => open === task.id && <Log run={run} task={task.id} />}
    />
  );
}

/** What a task is about, as its attributes name it. */
function imageOf(task: Task): string {
  const { repository, artifact, image } = (task.extra_attrs ?? {}) as Record<string, unknown>;
  if (repository) return `${repository}${artifact ? `:${artifact}` : ""}`;
  return String(artifact ?? image ?? task.id);
}

function Log({ run, task }: { run: Run; task: number }) {
  const { t } = useLingui();
  const log = useTaskLog(run, task, true);
  if (log.isPending) return <Loading rows={2} />;
  if (log.isError) {
    return (
      <Failed what={t`The log can't be shown.`} error={log.error} retry={() => log.refetch()} />
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long log scrolls by keyboard too
    <pre tabIndex={0} className={classes.log}>
      {log.data || t`The log is empty.`}
    </pre>
  );
}
