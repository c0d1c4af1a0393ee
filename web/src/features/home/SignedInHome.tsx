import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { Section } from "../../ui/Page";
import { Empty, Failed, Loading } from "../../ui/states";
import { CreateProject } from "../projects/CreateProject";
import { ProjectTable } from "../projects/ProjectTable";
import { useMyProjects } from "../projects/queries";
import { PushCommands } from "../repositories/PushCommands";
import type { SignedIn } from "../session/queries";
import { FirstSteps } from "../welcome/FirstSteps";
import classes from "./home.module.css";
import { NeedsYou } from "./NeedsYou";
import { Recents } from "./Recents";

const Trends = lazy(() => import("./Trends").then((part) => ({ default: part.Trends })));

const shown = 8;
const trendDays = 90;
/** So many bars are as high as the charts. */
const trendRows = 16;

/** After signing in: what I use, what needs me, and how the registry fares. */
export function SignedInHome({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const mine = useMyProjects();
  const empty = mine.data?.find((project) => project.repo_count === 0)?.name;
  // All but the last part comes at once, so that nothing moves while one reads.
  if (mine.isPending) return <Loading rows={8} />;
  const projects = mine.data ?? [];
  return (
    <div className={classes.home}>
      <div className={classes.side}>
        {user.sysadmin_flag && <FirstSteps user={user} />}
        <NeedsYou user={user} mine={projects} />
        <Recents user={user.username} />
      </div>
      <div className={classes.main}>
        <Section title={t`Your projects`} actions={<CreateProject />}>
          {mine.isError && (
            <Failed
              what={t`Your projects can't be listed.`}
              error={mine.error}
              retry={() => mine.refetch()}
            />
          )}
          {mine.isSuccess && projects.length === 0 && <NoProjects />}
          {projects.length > 0 && (
            <ProjectTable caption={t`Your projects`} projects={projects.slice(0, shown)} />
          )}
          <Link to="/projects" search={{ q: "", page: 1 }} className={classes.more}>
            <Trans>All projects</Trans>
          </Link>
        </Section>
        {empty && projects.every((project) => project.repo_count === 0) && (
          <Section title={t`Push to ${empty}`}>
            <PushCommands project={empty} />
          </Section>
        )}
        {user.sysadmin_flag && (
          <Section title={t`The last ${trendDays} days`}>
            <Suspense fallback={<Loading rows={trendRows} />}>
              <Trends days={trendDays} rows={trendRows} />
            </Suspense>
          </Section>
        )}
      </div>
    </div>
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
