import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Bytes } from "../../ui/Bytes";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import type { Project } from "../projects/queries";
import { useUser } from "../session/queries";
import { Guarded } from "../settings/Guarded";
import { LimitForm } from "./LimitForm";
import { useSpace } from "./queries";
import classes from "./quota.module.css";
import { SpaceTable } from "./SpaceTable";
import { Usage } from "./Usage";

/** How much a project uses of what it may, and what takes it. */
export function QuotaPage() {
  return (
    <Guarded resource="quota" action="read">
      {(project) => <Quota project={project} />}
    </Guarded>
  );
}

function Quota({ project }: { project: Project }) {
  const { t } = useLingui();
  const user = useUser();
  const space = useSpace(project.name ?? "");
  const first = space.data?.pages[0];
  const rows = space.data?.pages.flatMap((page) => page.repositories) ?? [];
  if (space.isPending) return <Loading />;
  if (space.isError) {
    return (
      <Failed
        what={t`What takes the space can't be shown.`}
        error={space.error}
        retry={() => space.refetch()}
      />
    );
  }
  if (!first) return null;
  return (
    <>
      <Section title={t`Storage`}>
        <Usage used={first.used} limit={first.limit} />
        {first.deleted > 0 && (
          <p className={classes.dim}>
            <Trans>
              What was deleted and can still be restored takes <Bytes value={first.deleted} /> of
              the disk.
            </Trans>
          </p>
        )}
        {user?.sysadmin_flag && (
          <LimitForm
            key={first.limit}
            projectId={project.project_id ?? 0}
            limit={first.limit}
            used={first.used}
          />
        )}
      </Section>
      <Section title={t`What takes the space`}>
        {rows.length === 0 ? (
          <Empty title={t`There are no repositories.`} />
        ) : (
          <SpaceTable project={project.name ?? ""} rows={rows} />
        )}
        {space.hasNextPage && (
          <Button
            className={classes.more ?? ""}
            variant="default"
            loading={space.isFetchingNextPage}
            onClick={() => space.fetchNextPage()}
          >
            <Trans>Show more repositories</Trans>
          </Button>
        )}
        <p className={classes.dim}>
          <Trans>
            Layers that several repositories share are counted once in the project. What is in one
            repository only comes back when it is deleted; what is waiting goes by itself.
          </Trans>
        </p>
      </Section>
    </>
  );
}
