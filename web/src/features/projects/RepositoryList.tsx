import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { PushCommands } from "../repositories/PushCommands";
import { repositoriesPerPage, useRepositories } from "../repositories/queries";
import { RepositoryTable } from "../repositories/RepositoryTable";

const route = getRouteApi("/p/$project");

interface Kind {
  project: string;
  mayPush: boolean;
  /** The project is a cache of a registry elsewhere: nobody pushes to it. */
  cache: boolean;
}

/** The repositories of a project, the one changed last first. */
export function RepositoryList({ project, mayPush, cache }: Kind) {
  const { t } = useLingui();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const repositories = useRepositories(project, { q, page });
  const total = repositories.data?.total ?? 0;
  return (
    <Section
      title={t`Repositories`}
      actions={
        (total > 0 || q !== "") && (
          <SearchField
            label={t`Find a repository`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, page: 1 }, replace: true })}
          />
        )
      }
    >
      {repositories.isPending && <Loading />}
      {repositories.isError && (
        <Failed
          what={t`The repositories can't be listed.`}
          error={repositories.error}
          retry={() => repositories.refetch()}
        />
      )}
      {repositories.isSuccess && total === 0 && q !== "" && (
        <Empty title={t`No repository has this in its name.`} />
      )}
      {repositories.isSuccess && total === 0 && q === "" && (
        <Nothing project={project} mayPush={mayPush} cache={cache} />
      )}
      {total > 0 && <RepositoryTable project={project} rows={repositories.data?.items ?? []} />}
      <Pager
        page={page}
        size={repositoriesPerPage}
        total={total}
        onPage={(next) => navigate({ search: { q, page: next } })}
      />
    </Section>
  );
}

function Nothing({ project, mayPush, cache }: Kind) {
  const { t } = useLingui();
  if (cache) return <Empty title={t`Nothing was pulled through this project yet.`} />;
  if (!mayPush) {
    return (
      <Empty title={t`Nothing was pushed to this project yet.`}>
        <p>
          <Trans>Its developers, maintainers and admins may push.</Trans>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title={t`Nothing was pushed to this project yet. This brings the first image:`}>
      <PushCommands project={project} />
    </Empty>
  );
}
