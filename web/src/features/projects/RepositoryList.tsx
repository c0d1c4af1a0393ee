import { Trans, useLingui } from "@lingui/react/macro";
import { SegmentedControl } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { PushCommands } from "../repositories/PushCommands";
import {
  mostInTree,
  type Repository,
  repositoriesPerPage,
  useRepositories,
} from "../repositories/queries";
import { RepositoryTree } from "../repositories/RepositoryTree";
import { DeletableRepositories } from "./DeletableRepositories";
import classes from "./ProjectsPage.module.css";

const route = getRouteApi("/p/$project");

interface Kind {
  project: string;
  mayPush: boolean;
  mayDelete: boolean;
  /** The project is a cache of a registry elsewhere: nobody pushes to it. */
  cache: boolean;
}

/** The repositories of a project: a list, the one changed last first, or a tree of the parts of their names. */
export function RepositoryList(kind: Kind) {
  const { project, mayDelete } = kind;
  const { t } = useLingui();
  const { q = "", page = 1, sort = "-update_time", view } = route.useSearch();
  const navigate = route.useNavigate();
  const tree = view === "tree";
  const repositories = useRepositories(project, { q, page: tree ? 1 : page, sort, all: tree });
  const total = repositories.data?.total ?? 0;
  const rows: Repository[] = repositories.data?.items ?? [];
  return (
    <Section title={t`Repositories`} actions={(total > 0 || q !== "") && <Filters />}>
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
      {repositories.isSuccess && total === 0 && q === "" && <Nothing {...kind} />}
      {total > 0 && tree && <RepositoryTree project={project} rows={rows} />}
      {tree && total > mostInTree && (
        <p>
          <Trans>
            These are the first {mostInTree} of {total}. Search to see others.
          </Trans>
        </p>
      )}
      {total > 0 && !tree && (
        <DeletableRepositories
          key={`${q} ${page} ${sort}`}
          project={project}
          rows={rows}
          sort={sort}
          onSort={(next) =>
            navigate({ search: (before) => ({ ...before, sort: next, page: 1 }), replace: true })
          }
          mayDelete={mayDelete}
        />
      )}
      {!tree && (
        <Pager
          page={page}
          size={repositoriesPerPage}
          total={total}
          onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
        />
      )}
    </Section>
  );
}

/** Whether as a list or as a tree, and what is in their names. */
function Filters() {
  const { t } = useLingui();
  const { q = "", sort, view } = route.useSearch();
  const navigate = route.useNavigate();
  const kept = { ...(q && { q }), ...(sort && { sort }) };
  return (
    <div className={classes.filters}>
      <SegmentedControl
        aria-label={t`How they are shown`}
        data={[
          { value: "list", label: t`List` },
          { value: "tree", label: t`Tree` },
        ]}
        value={view ?? "list"}
        onChange={(next) =>
          navigate({ search: { ...kept, ...(next === "tree" && { view: "tree" as const }) } })
        }
      />
      <SearchField
        label={t`Find a repository`}
        value={q}
        onSearch={(text) =>
          navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
        }
      />
    </div>
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
