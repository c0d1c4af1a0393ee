import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { ProjectTable } from "../projects/ProjectTable";
import { projectsPerPage, useProjects } from "../projects/queries";
import { SignIn } from "../session/SignIn";
import classes from "./home.module.css";

/** Before signing in: the form, and what is public. */
export function SignedOutHome() {
  const { t } = useLingui();
  return (
    <div className={classes.columns}>
      <Section title={t`Sign in`}>
        <SignIn />
      </Section>
      <Section title={t`Public projects`}>
        <PublicProjects />
      </Section>
    </div>
  );
}

function PublicProjects() {
  const { t } = useLingui();
  const projects = useProjects({ q: "", page: 1 });
  if (projects.isPending) return <Loading />;
  if (projects.isError) {
    return (
      <Failed
        what={t`The public projects can't be listed.`}
        error={projects.error}
        retry={() => projects.refetch()}
      />
    );
  }
  if (projects.data.total === 0) {
    return (
      <Empty title={t`Nothing here is public yet.`}>
        <p>
          <Trans>What is public can be pulled by everyone, without an account.</Trans>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <ProjectTable caption={t`Public projects`} projects={projects.data.items} />
      {projects.data.total > projectsPerPage && (
        <Link to="/projects">
          <Trans>All {projects.data.total} projects</Trans>
        </Link>
      )}
    </>
  );
}
