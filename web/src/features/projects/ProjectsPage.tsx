import { Trans, useLingui } from "@lingui/react/macro";
import { NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { useUser } from "../session/queries";
import { CreateProject } from "./CreateProject";
import classes from "./ProjectsPage.module.css";
import { ProjectTable } from "./ProjectTable";
import { projectsPerPage, useProjects, useStorage, type Which } from "./queries";
import { StorageMap } from "./StorageMap";

const route = getRouteApi("/projects");

export function ProjectsPage() {
  const { t } = useLingui();
  const user = useUser();
  return (
    <Page
      title={t`Projects`}
      facts={
        user ? (
          <Trans>All that you may see</Trans>
        ) : (
          <Trans>Public ones; sign in to see yours</Trans>
        )
      }
      actions={<CreateProject />}
    >
      <Projects />
    </Page>
  );
}

function Projects() {
  const { t } = useLingui();
  const { q = "", page = 1, sort = "name", show } = route.useSearch();
  const navigate = route.useNavigate();
  const user = useUser();
  const projects = useProjects({ q, page, sort, which: show });
  const items = projects.data?.items ?? [];
  const storage = useStorage(items, !!user?.sysadmin_flag);
  return (
    <>
      <Section title={t`All projects`} actions={<Filters />}>
        {projects.isPending && <Loading />}
        {projects.isError && (
          <Failed
            what={t`The projects can't be listed.`}
            error={projects.error}
            retry={() => projects.refetch()}
          />
        )}
        {projects.data?.total === 0 && <NoProjects q={q} show={show} signedIn={!!user} />}
        {items.length > 0 && (
          <ProjectTable
            caption={t`Projects`}
            projects={items}
            sort={sort}
            onSort={(next) =>
              navigate({ search: (before) => ({ ...before, sort: next, page: 1 }), replace: true })
            }
            {...(user?.sysadmin_flag && { storage })}
          />
        )}
        <Pager
          page={page}
          size={projectsPerPage}
          total={projects.data?.total ?? 0}
          onPage={(next) => navigate({ search: (before) => ({ ...before, page: next }) })}
        />
      </Section>
      {user?.sysadmin_flag && !projects.isPending && <StorageMap />}
    </>
  );
}

/** Which projects, and what is in their names. */
function Filters() {
  const { t } = useLingui();
  const { q = "", sort, show } = route.useSearch();
  const navigate = route.useNavigate();
  const user = useUser();
  const kept = { ...(q && { q }), ...(sort && { sort }) };
  const choices = [
    { value: "", label: t`All` },
    ...(user ? [{ value: "mine", label: t`Mine` }] : []),
    { value: "public", label: t`Public` },
    { value: "private", label: t`Private` },
  ];
  return (
    <div className={classes.filters}>
      {user && (
        <NativeSelect
          aria-label={t`Which projects`}
          data={choices}
          value={show ?? ""}
          onChange={(event) => {
            const next = event.currentTarget.value as Which | "";
            navigate({ search: { ...kept, ...(next && { show: next }) } });
          }}
        />
      )}
      <SearchField
        label={t`Find a project`}
        value={q}
        onSearch={(text) =>
          navigate({ search: (before) => ({ ...before, q: text, page: 1 }), replace: true })
        }
      />
    </div>
  );
}

interface NothingProps {
  q: string;
  show: Which | undefined;
  signedIn: boolean;
}

function NoProjects({ q, show, signedIn }: NothingProps) {
  const { t } = useLingui();
  if (q !== "") return <Empty title={t`No project has this in its name.`} />;
  if (show) return <Empty title={t`There is none of these.`} />;
  return (
    <Empty title={t`There is no project that you may see.`}>
      <p>
        {signedIn ? (
          <Trans>
            A project holds repositories and says who may push and pull. Create one, or ask a
            project's admin to make you a member.
          </Trans>
        ) : (
          <Trans>
            Nothing here is public. Sign in to see the projects that you are a member of.
          </Trans>
        )}
      </p>
    </Empty>
  );
}
