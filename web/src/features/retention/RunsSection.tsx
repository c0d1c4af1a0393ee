import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi, Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Status } from "../../ui/Status";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { type Run, runsPerPage, useRuns } from "./runs";
import { StartRun } from "./StartRun";

const route = getRouteApi("/p/$project/settings/retention");

interface Props {
  project: string;
  policy: number;
  /** Rules were changed and not saved: a run would go by those that are stored. */
  dirty: boolean;
  empty: boolean;
}

/** The runs of a policy, and how to begin one. */
export function RunsSection({ project, policy, dirty, empty }: Props) {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  const { page = 1 } = route.useSearch();
  const runs = useRuns(policy, page);
  const columns = useColumns(project);
  return (
    <Section
      title={t`Runs`}
      actions={policy > 0 && !empty && <StartRun project={project} policy={policy} dirty={dirty} />}
    >
      {policy === 0 && (
        <Empty title={t`Nothing was carried out yet.`}>
          <p>
            <Trans>Save a policy first. Then you can try it in a dry run, or carry it out.</Trans>
          </p>
        </Empty>
      )}
      {policy > 0 && runs.isPending && <Loading rows={3} />}
      {runs.isError && (
        <Failed
          what={t`The runs can't be listed.`}
          error={runs.error}
          retry={() => runs.refetch()}
        />
      )}
      {runs.data?.total === 0 && <Empty title={t`The policy was not carried out yet.`} />}
      {runs.data && runs.data.total > 0 && (
        <>
          <DataTable
            caption={t`Runs`}
            columns={columns}
            rows={runs.data.items}
            rowKey={(run) => String(run.id)}
          />
          <Pager
            page={page}
            size={runsPerPage}
            total={runs.data.total}
            onPage={(next) => navigate({ search: next > 1 ? { page: next } : {} })}
          />
        </>
      )}
    </Section>
  );
}

function useColumns(project: string): Column<Run>[] {
  const { t } = useLingui();
  return [
    {
      key: "id",
      title: t`Run`,
      names: true,
      cell: (run) => (
        <Link
          to="/p/$project/settings/retention/runs/$run"
          params={{ project, run: String(run.id) }}
        >
          {run.dry_run ? t`Dry run ${run.id ?? 0}` : t`Run ${run.id ?? 0}`}
        </Link>
      ),
    },
    { key: "status", title: t`Status`, cell: (run) => <Status of={run.status} /> },
    {
      key: "trigger",
      title: t`Begun`,
      cell: (run) => (run.trigger === "SCHEDULE" ? t`by the clock` : t`by hand`),
    },
    { key: "start", title: t`When`, cell: (run) => <When time={run.start_time} /> },
  ];
}
