import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { Empty, Failed, Loading } from "../../ui/states";
import { Guarded } from "../settings/Guarded";
import { LogFilters } from "./LogFilters";
import { LogTable } from "./LogTable";
import classes from "./logs.module.css";
import { entriesPerPage, mostInFile, useExport, useLog } from "./queries";

const route = getRouteApi("/p/$project/settings/logs");

/** Who did what in a project. */
export function LogsPage() {
  return (
    <Guarded resource="log" action="list">
      {(project) => <Log project={project.name ?? ""} />}
    </Guarded>
  );
}

function Log({ project }: { project: string }) {
  const { t } = useLingui();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const log = useLog(project, search);
  const saved = useExport(project);
  const total = log.data?.total ?? 0;
  const narrowed = Object.keys(search).some((key) => key !== "page");
  return (
    <Section
      title={t`Log`}
      actions={
        total > 0 && (
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            loading={saved.isPending}
            onClick={() => saved.mutate(search)}
          >
            <Trans>Export as CSV</Trans>
          </Button>
        )
      }
    >
      <LogFilters search={search} onChange={(next) => navigate({ search: next, replace: true })} />
      {saved.isError && <Failed what={t`The log was not exported.`} error={saved.error} />}
      {saved.isSuccess && total > mostInFile && (
        <p role="status">
          <Trans>The file has the newest {mostInFile}. Narrow the filter to get others.</Trans>
        </p>
      )}
      {log.isPending && <Loading />}
      {log.isError && (
        <Failed what={t`The log can't be shown.`} error={log.error} retry={() => log.refetch()} />
      )}
      {log.isSuccess && total === 0 && (
        <Empty title={narrowed ? t`Nothing of this kind was done.` : t`Nothing was done yet.`}>
          <p>
            <Trans>Pushes, pulls, deletions and every change of the project are noted here.</Trans>
          </p>
        </Empty>
      )}
      {total > 0 && (
        <>
          <p className={classes.dim}>
            <Trans>Entries: {total}</Trans>
          </p>
          <LogTable entries={log.data?.items ?? []} />
        </>
      )}
      <Pager
        page={search.page ?? 1}
        size={entriesPerPage}
        total={total}
        onPage={(page) => navigate({ search: { ...search, page } })}
      />
    </Section>
  );
}
