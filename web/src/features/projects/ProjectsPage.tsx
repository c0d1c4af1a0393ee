import { Trans, useLingui } from "@lingui/react/macro";
import { getRouteApi } from "@tanstack/react-router";
import { Page, Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { useUser } from "../session/queries";
import { CreateProject } from "./CreateProject";
import { ProjectTable } from "./ProjectTable";
import { projectsPerPage, useProjects } from "./queries";

const route = getRouteApi("/projects");

export function ProjectsPage() {
  const { t } = useLingui();
  const { q = "", page = 1 } = route.useSearch();
  const navigate = route.useNavigate();
  const user = useUser();
  const projects = useProjects({ q, page });

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
      <Section
        title={t`All projects`}
        actions={
          <SearchField
            label={t`Find a project`}
            value={q}
            onSearch={(text) => navigate({ search: { q: text, page: 1 }, replace: true })}
          />
        }
      >
        {projects.isPending && <Loading />}
        {projects.isError && (
          <Failed
            what={t`The projects can't be listed.`}
            error={projects.error}
            retry={() => projects.refetch()}
          />
        )}
        {projects.data?.total === 0 && <NoProjects searched={q !== ""} signedIn={!!user} />}
        {projects.data && projects.data.items.length > 0 && (
          <ProjectTable caption={t`Projects`} projects={projects.data.items} />
        )}
        <Pager
          page={page}
          size={projectsPerPage}
          total={projects.data?.total ?? 0}
          onPage={(next) => navigate({ search: { q, page: next } })}
        />
      </Section>
    </Page>
  );
}

function NoProjects({ searched, signedIn }: { searched: boolean; signedIn: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No project has this in its name.`} />;
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
