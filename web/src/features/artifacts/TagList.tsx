import { Trans, useLingui } from "@lingui/react/macro";
import { Checkbox } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { asProblem } from "../../api/problem";
import { Section } from "../../ui/Page";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Loading } from "../../ui/states";
import { PushCommands } from "../repositories/PushCommands";
import type { May } from "../session/may";
import { SignInRequired } from "../session/SignInRequired";
import classes from "./artifacts.module.css";
import { End } from "./End";
import { FilterHelp } from "./FilterHelp";
import type { PlaceProps } from "./place";
import { type TagRow, tagRows } from "./rows";
import { TagTable } from "./TagTable";
import { useTagFilter } from "./useTagFilter";

const route = getRouteApi("/p/$project/r/$");

interface Props extends PlaceProps {
  projectId: number | undefined;
  may: May;
  /** Whether all that stands above is there: the list waits for it, so that nothing moves. */
  ready: boolean;
  /** Shown above the list for its first row, while that is the newest of all. */
  newest: (row: TagRow) => ReactNode;
}

/** The list of tags with its filter; more of them come as one scrolls. */
export function TagList({ project, repository, projectId, may, ready, newest }: Props) {
  const { t } = useLingui();
  const { q = "", sort = "-push_time", untagged = false } = route.useSearch();
  const navigate = route.useNavigate();
  const place = { project, repository };
  const { filter, artifacts, missing } = useTagFilter(place, projectId, { q, sort, untagged });
  const pages = artifacts.data?.pages;
  const rows = useMemo(
    () => (pages ?? []).flatMap((page) => tagRows(page.items, sort)).filter(filter.shows),
    [pages, sort, filter],
  );
  const first = q === "" && sort === "-push_time" ? rows.find((row) => row.tag) : undefined;
  const change = (part: { q?: string; sort?: string; untagged?: boolean }) =>
    navigate({
      search: (before) => ({ ...before, ...part }),
      replace: part.q !== undefined,
      resetScroll: false,
    });
  const total = pages?.[0]?.total ?? 0;
  if (artifacts.isError && asProblem(artifacts.error).isForbidden) {
    return (
      <SignInRequired>
        <p>
          <Trans>
            You may not see what is in this repository. Ask an admin of {project} to add you.
          </Trans>
        </p>
      </SignInRequired>
    );
  }
  if (!ready || artifacts.isPending) return <Loading rows={8} />;
  return (
    <>
      {first && newest(first)}
      <Section
        title={t`Tags`}
        actions={
          <div className={classes.filter}>
            <Checkbox
              label={t`Untagged too`}
              checked={untagged}
              onChange={(event) => change({ untagged: event.currentTarget.checked })}
            />
            <SearchField label={t`Find a tag`} value={q} onSearch={(text) => change({ q: text })} />
            <FilterHelp onAdd={(word) => change({ q: `${q} ${word}`.trim() })} />
          </div>
        }
      >
        <Misread words={[...filter.unknown, ...missing.map((name) => `label:${name}`)]} />
        {artifacts.isError && (
          <Failed
            what={t`The tags can't be listed.`}
            error={artifacts.error}
            retry={() => artifacts.refetch()}
          />
        )}
        {artifacts.isSuccess && rows.length === 0 && (
          <NoTags project={project} searched={q !== ""} mayPush={may("repository", "push")} />
        )}
        {rows.length > 0 && (
          <TagTable
            {...place}
            projectId={projectId}
            rows={rows}
            sort={sort}
            onSort={(next) => change({ sort: next })}
            may={may}
          />
        )}
        {artifacts.isSuccess && rows.length > 0 && (
          <End
            rows={rows.length}
            total={total}
            shown={(pages ?? []).reduce((sum, page) => sum + page.items.length, 0)}
            more={artifacts.hasNextPage && !artifacts.isFetchingNextPage}
            onMore={artifacts.fetchNextPage}
          />
        )}
      </Section>
    </>
  );
}

/** What of the filter was not understood: nothing is left out in silence. */
function Misread({ words }: { words: string[] }) {
  if (words.length === 0) return null;
  return (
    <p role="status">
      <Trans>
        Not filtered by {words.join(" ")}: there is no such label, or this list doesn't know the
        word.
      </Trans>
    </p>
  );
}

function NoTags(props: { project: string; searched: boolean; mayPush: boolean }) {
  const { t } = useLingui();
  const { project, searched, mayPush } = props;
  if (searched) return <Empty title={t`No tag has this in its name.`} />;
  if (!mayPush) return <Empty title={t`Nothing here has a tag.`} />;
  return (
    <Empty title={t`Nothing here has a tag. This pushes something that has one:`}>
      <PushCommands project={project} />
    </Empty>
  );
}
