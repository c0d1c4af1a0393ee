import { Trans, useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { useNotices } from "../../ui/Notices";
import { RowButtons } from "../../ui/RowButtons";
import { Failed } from "../../ui/states";
import { When } from "../../ui/When";
import { Contents } from "./Contents";
import { Purge } from "./Purge";
import { type Deletion, useRestore } from "./queries";
import classes from "./trash.module.css";
import { useDeletionName, useUndoneWords } from "./words";

interface Props {
  project: string;
  deletions: Deletion[];
  /** May take away for good. */
  mayPurge: boolean;
}

/** Deletions with what can be done about them, one by one or several at once. */
export function Deletions({ project, deletions, mayPurge }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const told = useUndoneWords();
  const nameOf = useDeletionName();
  const restore = useRestore(project);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set<string>());
  const [open, setOpen] = useState<number>();
  const picked = deletions.filter((each) => chosen.has(String(each.id)));

  function bring(some: Deletion[]) {
    restore.mutate(
      some.map((each) => ({ deletion: each.id })),
      {
        onSuccess: (undone) => {
          setChosen(new Set());
          say(told(undone));
        },
      },
    );
  }

  const columns: Column<Deletion>[] = [
    ...useFacts(project),
    {
      key: "do",
      title: t`What to do`,
      cell: (each) => (
        <RowButtons>
          <Button
            size="xs"
            variant="default"
            disabled={restore.isPending}
            aria-label={t`Restore ${nameOf(each)}`}
            onClick={() => bring([each])}
          >
            <Trans>Restore</Trans>
          </Button>
          {each.kind !== "tag" && (
            <Button
              size="xs"
              variant="default"
              aria-expanded={open === each.id}
              aria-label={t`Contents of ${nameOf(each)}`}
              onClick={() => setOpen(open === each.id ? undefined : each.id)}
            >
              <Trans>Contents</Trans>
            </Button>
          )}
          {mayPurge && <Purge project={project} deletion={each} />}
        </RowButtons>
      ),
    },
  ];

  return (
    <>
      {picked.length > 0 && (
        <div className={classes.bar}>
          <Button loading={restore.isPending} onClick={() => bring(picked)}>
            <Trans>Restore {picked.length} deletions</Trans>
          </Button>
          <span>
            <Bytes value={picked.reduce((sum, each) => sum + each.bytes, 0)} />
          </span>
        </div>
      )}
      {restore.isError && <Failed what={t`Not everything was restored.`} error={restore.error} />}
      <DataTable
        caption={t`What was deleted`}
        columns={columns}
        rows={deletions}
        rowKey={(each) => String(each.id)}
        selection={{
          chosen,
          onChange: setChosen,
          label: (each) => t`Choose ${nameOf(each)}`,
        }}
        below={(each) => open === each.id && <Contents project={project} deletion={each} />}
      />
    </>
  );
}

/** What a deletion was, by whom, when, until when it can be undone, and its size. */
function useFacts(project: string): Column<Deletion>[] {
  const { t } = useLingui();
  const nameOf = useDeletionName();
  return [
    { key: "what", title: t`What`, names: true, cell: nameOf },
    {
      key: "by",
      title: t`By`,
      cell: ({ run, by }) =>
        run > 0 ? (
          <Link
            to="/p/$project/settings/retention/runs/$run"
            params={{ project, run: String(run) }}
          >
            <Trans>retention, run {run}</Trans>
          </Link>
        ) : (
          by
        ),
    },
    { key: "time", title: t`Deleted`, cell: (each) => <When time={each.time} /> },
    { key: "until", title: t`Gone for good`, cell: (each) => <When time={each.until} /> },
    { key: "size", title: t`Size`, number: true, cell: (each) => <Bytes value={each.bytes} /> },
  ];
}
