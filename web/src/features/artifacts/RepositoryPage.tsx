import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { useQuery } from "@tanstack/react-query";
import { asProblem } from "../../api/problem";
import { CommandTabs } from "../../ui/CommandTabs";
import { Page, Section } from "../../ui/Page";
import { plain } from "../../ui/plain";
import { When } from "../../ui/When";
import { useProject } from "../projects/queries";
import { pullTools, thisHost } from "../repositories/commands";
import { written } from "../repositories/description";
import { InsecureNotice } from "../repositories/InsecureNotice";
import { repositoryQuery } from "../repositories/queries";
import { nothing, useKnownMay } from "../session/may";
import { SignInRequired } from "../session/SignInRequired";
import { DeleteRepository } from "./DeleteRepository";
import { Description } from "./Description";
import type { PlaceProps } from "./place";
import type { TagRow } from "./rows";
import { TagList } from "./TagList";

/** The tags of a repository, newest first, and how to pull the newest. */
export function RepositoryPage({ project, repository }: PlaceProps) {
  const { t } = useLingui();
  const holder = useProject(project);
  const known = useKnownMay(holder.data?.project_id);
  const may = known ?? nothing;
  const about = useQuery({
    ...repositoryQuery(project, repository),
    enabled: may("repository", "read"),
    retry: false,
  });
  const settled = !about.isPending || (known && !known("repository", "read"));
  const place = { project, repository };
  const forbidden = holder.isError && asProblem(holder.error).isForbidden;
  return (
    <Page
      title={plain(repository)}
      crumbs={[
        { label: t`Projects`, link: { to: "/projects" } },
        { label: project, link: { to: "/p/$project", params: { project } } },
      ]}
      facts={
        about.data && (
          <>
            <span>
              <Plural value={about.data.artifact_count ?? 0} one="# artifact" other="# artifacts" />
            </span>
            <span>
              <Plural value={about.data.pull_count ?? 0} one="# pull" other="# pulls" />
            </span>
            <span>
              <Trans>
                Changed <When time={about.data.update_time} />
              </Trans>
            </span>
          </>
        )
      }
      actions={about.data && may("repository", "delete") && <DeleteRepository {...place} />}
    >
      {forbidden && <NotYours project={project} />}
      {!forbidden && about.data && (
        <Description
          {...place}
          text={written(about.data.description ?? "")}
          editable={may("repository", "update")}
        />
      )}
      {!forbidden && (
        <TagList
          {...place}
          projectId={holder.data?.project_id}
          may={may}
          ready={holder.isError || !!settled}
          newest={(row) => <PullNewest {...place} row={row} />}
        />
      )}
    </Page>
  );
}

function NotYours({ project }: { project: string }) {
  return (
    <SignInRequired>
      <p>
        <Trans>
          You may not see the repositories of {project}. Only its members may: ask one of its admins
          to add you.
        </Trans>
      </p>
    </SignInRequired>
  );
}

function PullNewest({ project, repository, row }: PlaceProps & { row: TagRow }) {
  const { t } = useLingui();
  const target = { repository: `${project}/${repository}`, type: row.artifact.type ?? "" };
  const tools = pullTools(thisHost(), target, [{ reference: row.tag?.name ?? "" }]);
  return (
    <Section title={t`Pull the newest`}>
      <CommandTabs tools={tools} label={t`pull`} />
      <InsecureNotice />
    </Section>
  );
}
