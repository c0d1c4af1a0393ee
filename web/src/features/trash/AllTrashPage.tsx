import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { EmptyAll } from "./EmptyAll";
import { type DeletedProject, useDeletedProjects } from "./queries";
import { RestoreProject } from "./RestoreProject";

/** Deleted projects that can be restored, and the way to empty the trash of all. */
export function AllTrashPage() {
  const { t } = useLingui();
  const projects = useDeletedProjects();
  const rows = projects.data?.pages.flat() ?? [];
  const [asked, setAsked] = useState<DeletedProject>();
  const columns = useColumns(setAsked);
  return (
    <>
      <Section title={t`Deleted projects`}>
        <p>
          <Trans>
            A deleted project comes back with its members, robots and policies. What was deleted in
            a project that is still there is in the trash of its settings.
          </Trans>
        </p>
        {projects.isPending && <Loading />}
        {projects.isError && (
          <Failed
            what={t`The deleted projects can't be listed.`}
            error={projects.error}
            retry={() => projects.refetch()}
          />
        )}
        {projects.data && rows.length === 0 && (
          <Empty title={t`No deleted project can be restored.`} />
        )}
        {rows.length > 0 && (
          <DataTable
            caption={t`Deleted projects`}
            columns={columns}
            rows={rows}
            rowKey={(project) => String(project.id)}
          />
        )}
        {projects.hasNextPage && (
          <div>
            <Button
              variant="default"
              loading={projects.isFetchingNextPage}
              onClick={() => projects.fetchNextPage()}
            >
              <Trans>Show what was deleted before</Trans>
            </Button>
          </div>
        )}
        {asked && <RestoreProject project={asked} onClose={() => setAsked(undefined)} />}
      </Section>
      <Section title={t`Space`}>
        <p>
          <Trans>
            What is in the trash takes space until its time is over. Where room is short, it can be
            taken away for good now, in all projects at once.
          </Trans>
        </p>
        <EmptyAll />
      </Section>
    </>
  );
}

function useColumns(ask: (project: DeletedProject) => void): Column<DeletedProject>[] {
  const { t } = useLingui();
  return [
    { key: "name", title: t`Project`, names: true, cell: (project) => project.name },
    { key: "by", title: t`By`, cell: (project) => project.by },
    { key: "time", title: t`Deleted`, cell: (project) => <When time={project.time} /> },
    { key: "until", title: t`Gone for good`, cell: (project) => <When time={project.until} /> },
    {
      key: "restore",
      title: t`Restore`,
      cell: (project) => (
        <Button
          size="xs"
          variant="default"
          aria-label={t`Restore project ${project.name}`}
          onClick={() => ask(project)}
        >
          <Trans>Restore project</Trans>
        </Button>
      ),
    },
  ];
}
