import { useLingui } from "@lingui/react/macro";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Choice } from "../../ui/Filters";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { KindName } from "./KindName";
import { type Execution, type Task, tasksPerPage, useTasks } from "./queries";
import { taskSubject } from "./subject";
import { TaskActions } from "./TaskActions";
import { TaskLog } from "./TaskLog";

interface Props {
  execution: Execution;
  status: string;
  page: number;
  onStatus: (status: string) => void;
  onPage: (page: number) => void;
}

/** The pieces of work, each with its log below. */
export function Tasks({ execution, status, page, onStatus, onPage }: Props) {
  const { t } = useLingui();
  const tasks = useTasks(execution.id, { status, page });
  const [open, setOpen] = useState<number>();
  const columns = useColumns(open, setOpen);
  return (
    <Section
      title={t`Tasks`}
      actions={
        <Choice
          label={t`Status`}
          all={t`Any status`}
          value={status}
          choices={[
            { value: "Pending", label: t`Waiting` },
            { value: "Running", label: t`Running` },
            { value: "Success", label: t`Done` },
            { value: "Error", label: t`Failed` },
            { value: "Stopped", label: t`Stopped` },
          ]}
          onChoose={onStatus}
        />
      }
    >
      {tasks.isPending && <Loading />}
      {tasks.isError && (
        <Failed
          what={t`The tasks can't be listed.`}
          error={tasks.error}
          retry={() => tasks.refetch()}
        />
      )}
      {tasks.data?.total === 0 && (
        <Empty title={status ? t`No task is like this.` : t`There was nothing to do.`} />
      )}
      {tasks.data && tasks.data.items.length > 0 && (
        <DataTable
          caption={t`Tasks`}
          columns={columns}
          rows={tasks.data.items}
          rowKey={(task) => String(task.id)}
          below={(task) => open === task.id && <TaskLog task={task.id} />}
        />
      )}
      <Pager page={page} size={tasksPerPage} total={tasks.data?.total ?? 0} onPage={onPage} />
    </Section>
  );
}

function useColumns(
  open: number | undefined,
  setOpen: (task: number | undefined) => void,
): Column<Task>[] {
  const { t } = useLingui();
  return [
    {
      key: "what",
      title: t`Task`,
      names: true,
      cell: (task) => (
        <>
          {taskSubject(task) || <KindName kind={task.vendor_type} />} <small>{task.id}</small>
        </>
      ),
    },
    { key: "status", title: t`Status`, cell: (task) => <Status of={task.status} /> },
    {
      key: "runs",
      title: t`Attempts`,
      number: true,
      cell: (task) => task.runs,
    },
    {
      key: "began",
      title: t`Begun`,
      number: true,
      cell: (task) => <When time={task.start_time ?? undefined} />,
    },
    { key: "why", title: t`Last failure`, cell: failureOf },
    {
      key: "do",
      title: t`Actions`,
      cell: (task) => (
        <TaskActions
          task={task}
          open={open === task.id}
          onLog={() => setOpen(open === task.id ? undefined : task.id)}
        />
      ),
    },
  ];
}

/** Why a task failed. That one was stopped says its status. */
function failureOf({ status_message }: Task): string {
  return status_message && status_message !== "stopped" ? status_message : "–";
}
