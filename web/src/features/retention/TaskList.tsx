import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Pager } from "../../ui/Pager";
import { isUnderWay, Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { type Run, type Task, tasksPerPage, useTasks } from "./runs";
import { TaskOutcome } from "./TaskOutcome";

const route = getRouteApi("/p/$project/settings/retention/runs/$run");

interface Props {
  project: string;
  policy: number;
  run: Run;
  underWay: boolean;
}

/** What a run did in each repository, live while it goes on. */
export function TaskList({ policy, run, underWay }: Props) {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  const { page = 1, task: chosen } = route.useSearch();
  const tasks = useTasks(policy, run.id ?? 0, page, underWay);
  const rows = tasks.data?.items ?? [];
  const open = chosen ?? (rows.length === 1 ? rows[0]?.id : undefined);
  const columns = useColumns(run.dry_run, open, (task) =>
    navigate({ search: (before) => ({ ...before, task: task === open ? 0 : task }) }),
  );
  if (tasks.isPending) return <Loading rows={2} />;
  if (tasks.isError) {
    return (
      <Failed
        what={t`What the run did can't be shown.`}
        error={tasks.error}
        retry={() => tasks.refetch()}
      />
    );
  }
  if (tasks.data.total === 0) {
    return (
      <Empty title={underWay ? t`The run has no tasks yet.` : t`The run had nothing to do.`}>
        <p>
          <Trans>A run has a task for each repository that a rule is about.</Trans>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <DataTable
        caption={t`What the run did, by repository`}
        columns={columns}
        rows={rows}
        rowKey={(task) => String(task.id)}
        below={(task) =>
          task.id === open && (
            <TaskOutcome policy={policy} run={run} task={task} underWay={isUnderWay(task.status)} />
          )
        }
      />
      <Pager
        page={page}
        size={tasksPerPage}
        total={tasks.data.total}
        onPage={(next) => navigate({ search: next > 1 ? { page: next } : {} })}
      />
    </>
  );
}

function useColumns(
  dry: boolean,
  open: number | undefined,
  toggle: (task: number) => void,
): Column<Task>[] {
  const { t } = useLingui();
  const known = (task: Task, count: number) => (isUnderWay(task.status) ? "–" : count);
  return [
    { key: "name", title: t`Repository`, names: true, cell: (task) => task.repository },
    { key: "status", title: t`Status`, cell: (task) => <Status of={task.status} /> },
    {
      key: "deleted",
      title: dry ? t`Would go` : t`Deleted`,
      number: true,
      cell: (task) => known(task, task.total - task.retained),
    },
    { key: "kept", title: t`Stay`, number: true, cell: (task) => known(task, task.retained) },
    { key: "total", title: t`Of`, number: true, cell: (task) => known(task, task.total) },
    {
      key: "open",
      title: t`Artifacts`,
      cell: (task) => (
        <Button
          size="xs"
          variant="default"
          aria-expanded={task.id === open}
          aria-label={t`Artifacts of ${task.repository ?? ""}`}
          onClick={() => toggle(task.id ?? 0)}
        >
          {task.id === open ? t`Hide` : t`Show`}
        </Button>
      ),
    },
  ];
}
