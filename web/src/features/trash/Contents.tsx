import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { Digest } from "../../ui/Digest";
import { shortDigest } from "../../ui/format";
import { useNotices } from "../../ui/Notices";
import { Failed, Loading } from "../../ui/states";
import { When } from "../../ui/When";
import { type DeletedArtifact, type Deletion, useContents, useRestore } from "./queries";
import classes from "./trash.module.css";
import { useUndoneWords } from "./words";

const most = 100;

interface Props {
  project: string;
  deletion: Deletion;
}

/** What a deletion keeps; of several artifacts each can be restored alone. */
export function Contents({ project, deletion }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const told = useUndoneWords();
  const contents = useContents(project, deletion);
  const restore = useRestore(project);
  const rows = contents.data ?? [];
  const columns = useColumns(
    rows.length > 1
      ? ({ digest }) =>
          restore.mutate([{ deletion: deletion.id, digest }], {
            onSuccess: (undone) => say(told(undone)),
          })
      : undefined,
    restore.isPending,
  );
  const more = rows.length - most;
  return (
    <div className={classes.contents}>
      {contents.isPending && <Loading rows={2} />}
      {contents.isError && (
        <Failed
          what={t`What it keeps can't be shown.`}
          error={contents.error}
          retry={() => contents.refetch()}
        />
      )}
      {restore.isError && <Failed what={t`The artifact was not restored.`} error={restore.error} />}
      {contents.isSuccess && rows.length === 0 && (
        <p>
          <Trans>It keeps no artifacts but those that come back with others.</Trans>
        </p>
      )}
      {rows.length > 0 && (
        <DataTable
          caption={t`Contents`}
          columns={columns}
          rows={rows.slice(0, most)}
          rowKey={(each) => each.digest}
        />
      )}
      {more > 0 && (
        <p>
          <Trans>And {more} more, which come back with all of it.</Trans>
        </p>
      )}
    </div>
  );
}

function useColumns(
  restore: ((artifact: DeletedArtifact) => void) | undefined,
  busy: boolean,
): Column<DeletedArtifact>[] {
  const { t } = useLingui();
  const columns: Column<DeletedArtifact>[] = [
    {
      key: "digest",
      title: t`Digest`,
      names: true,
      cell: (each) => <Digest value={each.digest} />,
    },
    { key: "tags", title: t`Tags`, cell: (each) => each.tags.join(", ") || "–" },
    { key: "size", title: t`Size`, number: true, cell: (each) => <Bytes value={each.size} /> },
    { key: "pushed", title: t`Pushed`, cell: (each) => <When time={each.push_time} /> },
  ];
  if (!restore) return columns;
  return [
    ...columns,
    {
      key: "restore",
      title: t`Restore`,
      cell: (each) => (
        <Button
          size="xs"
          variant="default"
          disabled={busy}
          aria-label={t`Restore ${each.tags[0] ?? shortDigest(each.digest)} alone`}
          onClick={() => restore(each)}
        >
          <Trans>Restore this one</Trans>
        </Button>
      ),
    },
  ];
}
