import { useLingui } from "@lingui/react/macro";
import { Button } from "@mantine/core";
import { useState } from "react";
import { useNotices } from "../../ui/Notices";
import { Failed } from "../../ui/states";
import { nameInProject, type Repository, useRemoveRepositories } from "../repositories/queries";
import { RepositoryTable } from "../repositories/RepositoryTable";
import classes from "./DeletableRepositories.module.css";

interface Props {
  project: string;
  rows: Repository[];
  sort: string;
  onSort: (sort: string) => void;
  mayDelete: boolean;
}

/** Repositories, of which some can be chosen and deleted, which can be undone. */
export function DeletableRepositories({ project, rows, sort, onSort, mayDelete }: Props) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const remove = useRemoveRepositories(project);
  const done = useDone();
  const { t } = useLingui();
  const names = rows.map((row) => nameInProject(row, project)).filter((name) => chosen.has(name));
  const selection = {
    chosen,
    onChange: setChosen,
    label: (row: Repository) => t`Choose ${nameInProject(row, project)}`,
  };
  const artifacts = rows
    .filter((row) => chosen.has(nameInProject(row, project)))
    .reduce((all, row) => all + (row.artifact_count ?? 0), 0);

  return (
    <>
      {remove.data?.error !== undefined && (
        <Failed what={t`Not all of them were deleted.`} error={remove.data.error} />
      )}
      {names.length > 0 && (
        <div className={classes.bar}>
          <span>{t`Chosen: ${names.length}, with artifacts: ${artifacts}`}</span>
          <Button
            size="xs"
            color="red"
            loading={remove.isPending}
            onClick={() =>
              remove.mutate(names, {
                onSuccess: (removed) => {
                  setChosen(new Set());
                  done(names, removed);
                },
              })
            }
          >
            {t`Delete repositories`}
          </Button>
        </div>
      )}
      <RepositoryTable
        project={project}
        rows={rows}
        sort={sort}
        onSort={onSort}
        selection={mayDelete ? selection : undefined}
      />
    </>
  );
}

/** Says what was deleted, and offers to take it back. */
function useDone() {
  const { t } = useLingui();
  const { say } = useNotices();
  return (
    names: string[],
    { deleted, undo }: { deleted: number; undo?: () => Promise<unknown> },
  ) => {
    const [first] = names;
    if (deleted === 0) return;
    const text = deleted === 1 ? t`Deleted ${first ?? ""}.` : t`Deleted repositories: ${deleted}.`;
    say(undo ? text : `${text} ${t`It can't be restored here.`}`, undo);
  };
}
