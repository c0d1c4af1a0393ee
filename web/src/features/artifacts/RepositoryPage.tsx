import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { asProblem } from "../../api/problem";
import { CommandTabs } from "../../ui/CommandTabs";
import { Page, Section } from "../../ui/Page";
import { Pager } from "../../ui/Pager";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { pullTools, thisHost } from "../repositories/commands";
import { InsecureNotice } from "../repositories/InsecureNotice";
import { PushCommands } from "../repositories/PushCommands";
import { SignInRequired } from "../session/SignInRequired";
import classes from "./artifacts.module.css";
import type { PlaceProps } from "./place";
import { artifactsPerPage, useArtifacts } from "./queries";
import { type TagRow, tagRows } from "./rows";
import { TagTable } from "./TagTable";

const route = getRouteApi("/p/$project/r/$");

/** The tags of a repository, newest first, and how to pull the newest. */
export function RepositoryPage({ project, repository }: PlaceProps) {
  const { t } = useLingui();
  const { q = "", page = 1, untagged = false } = route.useSearch();
  const filter = { q, page, untagged };
  const navigate = route.useNavigate();
  const artifacts = useArtifacts(project, repository, filter);
  const rows = tagRows(artifacts.data?.items ?? []);
  const newest = page === 1 && q === "" ? rows.find((row) => row.tag) : undefined;
  const forbidden = artifacts.isError && asProblem(artifacts.error).isForbidden;

  return (
    <Page
      title={repository}
      crumbs={[
        { label: t`Projects`, link: { to: "/projects" } },
        { label: project, link: { to: "/p/$project", params: { project } } },
      ]}
    >
      {forbidden && <NotYours project={project} />}
      {newest && <PullNewest project={project} repository={repository} row={newest} />}
      {artifacts.isPending && <Loading rows={8} />}
      {!forbidden && !artifacts.isPending && (
        <Section
          title={t`Tags`}
          actions={
            <div className={classes.filter}>
              <Checkbox
                label={t`Untagged too`}
                checked={untagged}
                onChange={(event) =>
                  navigate({
                    search: { ...filter, untagged: event.currentTarget.checked, page: 1 },
                  })
                }
              />
              <SearchField
                label={t`Find a tag`}
                value={q}
                onSearch={(text) =>
                  navigate({ search: { ...filter, q: text, page: 1 }, replace: true })
                }
              />
            </div>
          }
        >
          {artifacts.isError && (
            <Failed
              what={t`The tags can't be listed.`}
              error={artifacts.error}
              retry={() => artifacts.refetch()}
            />
          )}
          {artifacts.isSuccess && rows.length === 0 && (
            <NoTags project={project} searched={q !== ""} />
          )}
          {rows.length > 0 && <TagTable project={project} repository={repository} rows={rows} />}
          <Pager
            page={page}
            size={artifactsPerPage}
            total={artifacts.data?.total ?? 0}
            onPage={(next) => navigate({ search: { ...filter, page: next } })}
          />
        </Section>
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
  const tools = pullTools(thisHost(), {
    repository: `${project}/${repository}`,
    reference: row.tag?.name ?? "",
    type: row.artifact.type ?? "",
  });
  return (
    <Section title={t`Pull the newest`}>
      <CommandTabs tools={tools} label={t`pull`} />
      <InsecureNotice />
    </Section>
  );
}

function NoTags({ project, searched }: { project: string; searched: boolean }) {
  const { t } = useLingui();
  if (searched) return <Empty title={t`No tag has this in its name.`} />;
  return (
    <Empty title={t`Nothing here has a tag. This pushes something that has one:`}>
      <PushCommands project={project} />
    </Empty>
  );
}
