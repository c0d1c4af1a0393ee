import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Empty, Failed, Loading } from "../../ui/states";
import { ProjectTable } from "../projects/ProjectTable";
import { useMyProjects } from "../projects/queries";

/** The projects in which I have a role, and which. */
export function MyProjects() {
  const { t } = useLingui();
  const projects = useMyProjects();
  return (
    <>
      {projects.isPending && <Loading rows={2} />}
      {projects.isError && (
        <Failed
          what={t`Your projects can't be shown.`}
          error={projects.error}
          retry={() => projects.refetch()}
        />
      )}
      {projects.data?.length === 0 && (
        <Empty title={t`You have no role in a project.`}>
          <p>
            <Trans>
              A project's admin gives roles. Public projects you may pull from without one:{" "}
              <Link to="/projects">all that you may see</Link>.
            </Trans>
          </p>
        </Empty>
      )}
      {projects.data && projects.data.length > 0 && (
        <ProjectTable caption={t`Your projects`} projects={projects.data} />
      )}
    </>
  );
}
