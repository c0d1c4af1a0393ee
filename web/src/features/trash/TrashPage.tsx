import { Trans, useLingui } from "@lingui/react/macro";
import { Button, NativeSelect } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback } from "react";
import { asProblem } from "../../api/problem";
import { Section } from "../../ui/Page";
import { SearchField } from "../../ui/SearchField";
import { Empty, Failed, Forbidden, Loading } from "../../ui/states";
import { useProject } from "../projects/queries";
import { useMay } from "../session/may";
import { Deletions } from "./Deletions";
import { EmptyTrash } from "./EmptyTrash";
import { type Deletion, useTrash } from "./queries";
import classes from "./trash.module.css";

const route = getRouteApi("/p/$project/settings/trash");

/** What was deleted in a project and can be restored. */
export function TrashPage() {
  const { t } = useLingui();
  const { project: name } = route.useParams();
  const { q = "", kind, run } = route.useSearch();
  const may = useMay(useProject(name).data?.project_id);
  const administers = may("project", "update"); // a dot is the project itself
  const trash = useTrash(name, { ...(kind && { kind }), ...(run && { run }) });
  const all = trash.data?.pages.flat() ?? [];
  const found = all.filter((each) => isAbout(each, q));
  if (trash.isError && asProblem(trash.error).isForbidden) return <NotYours name={name} />;
  return (
    <Section
      title={t`Trash`}
      actions={administers && all.length > 0 && <EmptyTrash project={name} />}
    >
      <p>
        <Trans>
          What was deleted is kept for a while, seven days unless your administrator set another
          time, and comes back as it was: with digests, tags, labels and signatures.
        </Trans>
      </p>
      <Filter />
      {trash.isPending && <Loading />}
      {trash.isError && (
        <Failed
          what={t`The trash can't be shown.`}
          error={trash.error}
          retry={() => trash.refetch()}
        />
      )}
      {trash.data && found.length === 0 && <Nothing filtered={!!(q || kind || run)} />}
      {found.length > 0 && <Deletions project={name} deletions={found} mayPurge={administers} />}
      {trash.hasNextPage && (
        <div>
          <Button
            variant="default"
            loading={trash.isFetchingNextPage}
            onClick={() => trash.fetchNextPage()}
          >
            <Trans>Show what was deleted before</Trans>
          </Button>
        </div>
      )}
    </Section>
  );
}

/** Whether a deletion is about what is searched for: a repository, tag, digest, or who deleted it. */
function isAbout({ repository, tag, digest, by }: Deletion, q: string): boolean {
  const wanted = q.trim().toLowerCase();
  return [`${repository}:${tag}`, digest, by].some((each) => each.toLowerCase().includes(wanted));
}

function NotYours({ name }: { name: string }) {
  return (
    <Forbidden>
      <p>
        <Trans>The trash of {name} is for its maintainers and admins. Ask one of them.</Trans>
      </p>
    </Forbidden>
  );
}

function Filter() {
  const { t } = useLingui();
  const navigate = route.useNavigate();
  const { q = "", kind = "", run } = route.useSearch();
  const search = useCallback(
    (text: string) =>
      void navigate({
        search: ({ q: _, ...rest }) => (text ? { ...rest, q: text } : rest),
        replace: true,
      }),
    [navigate],
  );
  return (
    <div className={classes.filter}>
      <SearchField label={t`Repository, tag, digest or person`} value={q} onSearch={search} />
      <NativeSelect
        aria-label={t`What was deleted`}
        data={[
          { value: "", label: t`everything` },
          { value: "tag", label: t`tags` },
          { value: "artifact", label: t`artifacts` },
          { value: "repository", label: t`repositories` },
        ]}
        value={kind}
        onChange={(event) => {
          const chosen = event.currentTarget.value as Deletion["kind"] | "";
          void navigate({
            search: ({ kind: _, ...rest }) => (chosen ? { ...rest, kind: chosen } : rest),
          });
        }}
      />
      {run && (
        <Button
          variant="default"
          onClick={() => navigate({ search: ({ run: _, ...rest }) => rest })}
        >
          <Trans>Not only run {run}</Trans>
        </Button>
      )}
    </div>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  const { t } = useLingui();
  if (filtered) return <Empty title={t`Nothing that was deleted is about this.`} />;
  return (
    <Empty title={t`The trash is empty.`}>
      <p>
        <Trans>Tags, artifacts and repositories that somebody or a rule deletes come here.</Trans>
      </p>
    </Empty>
  );
}
