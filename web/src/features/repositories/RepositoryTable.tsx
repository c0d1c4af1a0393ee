import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { nameInProject, type Repository } from "./queries";

export function RepositoryTable({ project, rows }: { project: string; rows: Repository[] }) {
  const { t } = useLingui();
  const columns: Column<Repository>[] = [
    {
      key: "name",
      title: t`Repository`,
      names: true,
      cell: (repository) => {
        const name = nameInProject(repository, project);
        return (
          <Link to="/p/$project/r/$" params={{ project, _splat: name }}>
            {name}
          </Link>
        );
      },
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
      cell: (repository) => repository.pull_count ?? 0,
    },
    {
      key: "changed",
      title: t`Changed`,
      number: true,
      cell: (repository) => <When time={repository.update_time} />,
    },
  ];
  return (
    <DataTable
      caption={t`Repositories of ${project}`}
      columns={columns}
      rows={rows}
      rowKey={(repository) => String(repository.id)}
    />
  );
}
