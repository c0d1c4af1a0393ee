import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { ExecutionFilters } from "./ExecutionFilters";
import { KindName } from "./KindName";
import { triggers } from "./kinds";
import { Progress } from "./Progress";
import { type Execution, executionsPerPage, useExecutions } from "./queries";

const route = getRouteApi("/jobs");

/** What was begun in the background, the newest first. */
export function Executions() {
  const { t } = useLingui();
  const { kind = "", status = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const executions = useExecutions({ kind, status, page });
  const columns = useColumns();
  const filtered = kind !== "" || status !== "";
  return (
    <Section title={t`Work`} actions={<ExecutionFilters />}>
      {executions.isPending && <Loading />}
      {executions.isError && (
        <Failed
          what={t`The work can't be listed.`}
          error={executions.error}
          retry={() => executions.refetch()}
        />
      )}
      {executions.data?.total === 0 && (
        <Empty title={filtered ? t`No work is like this.` : t`Nothing was begun yet.`}>
          {!filtered && (
            <p>
              <Trans>
                Scans, replication, retention and clean-ups are done in the background, and show up
                here with their logs.
              </Trans>
            </p>
          )}
        </Empty>
      )}
      {executions.data && executions.data.items.length > 0 && (
        <DataTable
          caption={t`Work`}
          columns={columns}
          rows={executions.data.items}
          rowKey={(row) => String(row.id)}
        />
      )}
      <Pager
        page={page}
        size={executionsPerPage}
        total={executions.data?.total ?? 0}
        onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
      />
    </Section>
  );
}

function useColumns(): Column<Execution>[] {
  const { t, i18n } = useLingui();
  return [
    {
      key: "kind",
      title: t`What`,
      names: true,
      cell: (row) => (
        <Link to="/jobs/$execution" params={{ execution: String(row.id) }}>
          <KindName kind={row.vendor_type} /> {row.id}
        </Link>
      ),
    },
    { key: "status", title: t`Status`, cell: (row) => <Status of={row.status} /> },
    { key: "tasks", title: t`Tasks`, cell: (row) => <Progress counts={row.tasks} /> },
    {
      key: "by",
      title: t`Begun`,
      cell: (row) => {
        const how = triggers[row.trigger];
        return row.started_by && row.trigger === "MANUAL"
          ? row.started_by
          : how
            ? i18n._(how)
            : row.trigger;
      },
    },
    {
      key: "since",
      title: t`When`,
      number: true,
      cell: (row) => <When time={row.creation_time} />,
    },
  ];
}
