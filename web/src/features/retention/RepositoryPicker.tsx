import { useLingui } from "@lingui/react/macro";
import { MultiSelect } from "@mantine/core";
import { useState } from "react";
import { nameInProject, useRepositories } from "../repositories/queries";

/** How many repositories are looked at at a time: each is read as a whole. */
export const mostRepositories = 10;
const atFirst = 5;

/** The repositories to look at: those that were chosen, at first the last updated. */
export function useChosen(project: string, chosen: string[] | undefined): string[] {
  const first = useRepositories(project, { q: "", page: 1 });
  return (
    chosen ??
    (first.data?.items ?? []).slice(0, atFirst).map((each) => nameInProject(each, project))
  );
}

interface Props {
  project: string;
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** Chooses repositories of a project by their names. */
export function RepositoryPicker({ project, chosen, onChange }: Props) {
  const { t } = useLingui();
  const [q, setQ] = useState("");
  const found = useRepositories(project, { q, page: 1 });
  const names = (found.data?.items ?? []).map((each) => nameInProject(each, project));
  return (
    <MultiSelect
      label={t`In these repositories`}
      description={t`Up to ${mostRepositories} at a time.`}
      data={[...new Set([...chosen, ...names])]}
      value={chosen}
      onChange={onChange}
      searchable
      searchValue={q}
      onSearchChange={setQ}
      maxValues={mostRepositories}
      clearable
      clearButtonProps={{ "aria-label": t`Choose none` }}
      nothingFoundMessage={t`No repository has this in its name.`}
      hidePickedOptions
    />
  );
}
