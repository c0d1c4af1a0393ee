import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable, type Selection } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { nameInProject, type Repository } from "./queries";

interface Props {
  project: string;
  rows: Repository[];
  sort: string;
  onSort: (sort: string) => void;
  /** By names without the project; nothing where nothing can be done with them. */
  selection?: Selection<Repository> | undefined;
}

export function RepositoryTable({ project, rows, sort, onSort, selection }: Props) {
  const { t } = useLingui();
  const columns: Column<Repository>[] = [
    {
      key: "name",
      title: t`Repository`,
      names: true,
      sort: "name",
      cell: (repository) => <RepositoryLink project={project} repository={repository} />,
    },
    {
      key: "artifacts",
      title: t`Artifacts`,
      number: true,
      cell: (repository) => repository.artifact_count ?? 0,
    },
    {
      key: "pulls",
      title: t`Pulls`,
      number: true,
      sort: "pull_count",
      cell: (repository) => repository.pull_count ?? 0,
    },
    {
      key: "changed",
      title: t`Changed`,
      number: true,
      sort: "update_time",
      cell: (repository) => <When time={repository.update_time} />,
    },
  ];
  return (
    <DataTable
      caption={t`Repositories of ${project}`}
      columns={columns}
      rows={rows}
      rowKey={(repository) => nameInProject(repository, project)}
      sort={sort}
      onSort={onSort}
      {...(selection && { selection })}
    />
  );
}

interface LinkProps {
  project: string;
  repository: Repository;
  /** What is shown of the name. */
  label?: string;
}

export function RepositoryLink({ project, repository, label }: LinkProps) {
  const name = nameInProject(repository, project);
  return (
    <Link to="/p/$project/r/$" params={{ project, _splat: name }}>
      {label ?? name}
    </Link>
  );
}
