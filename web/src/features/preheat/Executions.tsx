import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Pager } from "../../ui/Pager";
import { isUnderWay, Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import classes from "./preheat.module.css";
import { type Execution, executionsPerPage, useExecutions, useStopExecution } from "./queries";
import { Tasks } from "./Tasks";

const route = getRouteApi("/p/$project/settings/preheat/policy/$policy");

interface Props {
  project: string;
  policy: string;
  changes: boolean;
}

/** What a policy did, the last time first. */
export function Executions({ project, policy, changes }: Props) {
  const { t } = useLingui();
  const { page = 1, open } = route.useSearch();
  const navigate = route.useNavigate();
  const executions = useExecutions(project, policy, page);
  const total = executions.data?.total ?? 0;
  const toggle = (id: number) =>
    navigate({
      search: ({ open: _, ...search }) => (open === id ? search : { ...search, open: id }),
      replace: true,
    });
  const run = (execution: Execution) => ({ project, policy, execution: execution.id ?? 0 });
  const columns: Column<Execution>[] = [
    { key: "id", title: t`Execution`, names: true, cell: ({ id = 0 }) => t`Run ${id}` },
    { key: "status", title: t`Status`, cell: (execution) => <Status of={execution.status} /> },
    {
      key: "images",
      title: t`Images`,
      number: true,
      cell: (execution) => execution.metrics?.task_count ?? 0,
    },
    { key: "why", title: t`Note`, cell: (execution) => execution.status_message || "–" },
    {
      key: "began",
      title: t`Began`,
      number: true,
      cell: (execution) => <When time={execution.start_time} />,
    },
    {
      key: "act",
      title: t`Actions`,
      cell: (execution) => (
        <span className={classes.row}>
          <Button
            size="xs"
            variant="default"
            aria-expanded={open === execution.id}
            aria-label={t`Images of execution ${execution.id ?? 0}`}
            onClick={() => toggle(execution.id ?? 0)}
          >
            <Trans>Images</Trans>
          </Button>
          {changes && isUnderWay(execution.status) && (
            <Stop project={project} policy={policy} execution={execution.id ?? 0} />
          )}
        </span>
      ),
    },
  ];
  return (
    <>
      {executions.isPending && <Loading rows={3} />}
      {executions.isError && (
        <Failed
          what={t`The executions can't be listed.`}
          error={executions.error}
          retry={() => executions.refetch()}
        />
      )}
      {executions.isSuccess && total === 0 && (
        <Empty title={t`The policy has not been carried out yet.`} />
      )}
      {total > 0 && (
        <DataTable
          caption={t`Executions`}
          columns={columns}
          rows={executions.data?.items ?? []}
          rowKey={(execution) => String(execution.id)}
          below={(execution) =>
            open === execution.id && (
              <Tasks run={run(execution)} underWay={isUnderWay(execution.status)} />
            )
          }
        />
      )}
      <Pager
        page={page}
        size={executionsPerPage}
        total={total}
        onPage={(next) => navigate({ search: { page: next } })}
      />
    </>
  );
}

function Stop(run: { project: string; policy: string; execution: number }) {
  const { t } = useLingui();
  const stop = useStopExecution(run);
  return (
    <Button
      size="xs"
      variant="default"
      loading={stop.isPending}
      aria-label={t`Stop execution ${run.execution}`}
      onClick={() => stop.mutate()}
    >
      <Trans>Stop</Trans>
    </Button>
  );
}
