import { useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Duration } from "../../ui/Duration";
import { Choice } from "../../ui/Filters";
import { isNever } from "../../ui/format";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { Progress } from "../jobs/Progress";
import { type Run, runsPerPage, useRuns } from "./queries";

const route = getRouteApi("/replication/$policy");

/** When a policy was carried out, and what came of it. */
export function Runs({ policy }: { policy: number }) {
  const { t } = useLingui();
  const { status = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const runs = useRuns(policy, { status, page });
  const columns = useColumns();
  return (
    <Section
      title={t`Runs`}
      actions={
        <Choice
          label={t`Status`}
          all={t`Any status`}
          value={status}
          choices={[
            { value: "InProgress", label: t`Running` },
            { value: "Succeed", label: t`Done` },
            { value: "Failed", label: t`Failed` },
            { value: "Stopped", label: t`Stopped` },
          ]}
          onChoose={(value) => navigate({ search: { status: value }, replace: true })}
        />
      }
    >
      {runs.isPending && <Loading />}
      {runs.isError && (
        <Failed
          what={t`The runs can't be listed.`}
          error={runs.error}
          retry={() => runs.refetch()}
        />
      )}
      {runs.data?.total === 0 && (
        <Empty title={status ? t`No run is like this.` : t`It was not carried out yet.`} />
      )}
      {runs.data && runs.data.items.length > 0 && (
        <DataTable
          caption={t`Runs`}
          columns={columns}
          rows={runs.data.items}
          rowKey={(run) => String(run.id)}
        />
      )}
      <Pager
        page={page}
        size={runsPerPage}
        total={runs.data?.total ?? 0}
        onPage={(next) => navigate({ search: { status, page: next } })}
      />
    </Section>
  );
}

function useColumns(): Column<Run>[] {
  const { t } = useLingui();
  const began: Record<string, string> = {
    manual: t`by hand`,
    scheduled: t`by the clock`,
    event_based: t`by an event`,
  };
  return [
    {
      key: "run",
      title: t`Run`,
      names: true,
      cell: (run) => (
        <Link
          to="/replication/$policy/runs/$run"
          params={{ policy: String(run.policy_id), run: String(run.id) }}
        >
          {t`Run ${run.id}`}
        </Link>
      ),
    },
    { key: "status", title: t`Status`, cell: (run) => <Status of={run.status} /> },
    { key: "tasks", title: t`Repositories`, cell: (run) => <Progress counts={countsOf(run)} /> },
    { key: "how", title: t`Begun`, cell: (run) => began[run.trigger] ?? run.trigger },
    { key: "when", title: t`When`, number: true, cell: (run) => <When time={run.start_time} /> },
    { key: "took", title: t`Took`, number: true, cell: (run) => <Took run={run} /> },
  ];
}

/** A run's figures, in the words of work. */
export function countsOf(run: Run) {
  return {
    total: run.total,
    succeeded: run.succeed,
    failed: run.failed,
    stopped: run.stopped,
    running: run.in_progress,
    waiting: 0,
  };
}

function Took({ run }: { run: Run }) {
  if (isNever(run.end_time) || isNever(run.start_time)) return "–";
  return <Duration seconds={(Date.parse(run.end_time) - Date.parse(run.start_time)) / 1000} />;
}
