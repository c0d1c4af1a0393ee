import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { CreateProject } from "../projects/CreateProject";
import { ProjectTable } from "../projects/ProjectTable";
import { useMyProjects } from "../projects/queries";
import { PushCommands } from "../repositories/PushCommands";
import type { SignedIn } from "../session/queries";
import classes from "./home.module.css";
import { NeedsYou } from "./NeedsYou";

/** After signing in: what needs me, my projects, and how to push to one of them. */
export function SignedInHome({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const mine = useMyProjects();
  const first = mine.data?.[0]?.name;
  return (
    <>
      {user.password_generated && <NeedsYou />}
      <Section title={t`Your projects`} actions={<CreateProject />}>
        {mine.isPending && <Loading />}
        {mine.isError && (
          <Failed
            what={t`Your projects can't be listed.`}
            error={mine.error}
            retry={() => mine.refetch()}
          />
        )}
        {mine.data?.length === 0 && <NoProjects />}
        {mine.data && mine.data.length > 0 && (
          <ProjectTable caption={t`Your projects`} projects={mine.data} />
        )}
        <Link to="/projects" search={{ q: "", page: 1 }} className={classes.more}>
          <Trans>All projects</Trans>
        </Link>
      </Section>
      {first && (
        <Section title={t`Push to ${first}`}>
          <PushCommands project={first} />
        </Section>
      )}
    </>
  );
}

function NoProjects() {
  const { t } = useLingui();
  return (
    <Empty title={t`You are not a member of a project yet.`}>
      <p>
        <Trans>
          A project holds repositories and says who may push and pull. Create one, or ask the admin
          of another to make you a member.
        </Trans>
      </p>
    </Empty>
  );
}
