import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { Bytes } from "../../ui/Bytes";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { useUser } from "../session/queries";
import type { Project } from "./queries";
import { roleName } from "./role";
import { Visibility } from "./Visibility";

interface Props {
  caption: string;
  projects: Project[];
  /** The order, and what changes it, where the listing can be sorted. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** What projects use, by their ids, where that is known. */
  storage?: Map<number, number>;
}

export function ProjectTable({ caption, projects, storage, ...order }: Props) {
  const columns = useColumns(storage);
  return (
    <DataTable
      caption={caption}
      columns={columns}
      rows={projects}
      rowKey={(project) => String(project.project_id)}
      {...order}
    />
  );
}

function useColumns(storage: Map<number, number> | undefined): Column<Project>[] {
  const { t, i18n } = useLingui();
  const user = useUser();
  const role: Column<Project> = {
    key: "role",
    title: t`Your role`,
    cell: (project) => {
      const name = roleName(project.current_user_role_id);
      return name ? i18n._(name) : "–";
    },
  };
  const used: Column<Project> = {
    key: "storage",
    title: t`Storage`,
    number: true,
    cell: (project) => {
      const bytes = storage?.get(project.project_id ?? 0);
      return bytes === undefined ? "–" : <Bytes value={bytes} />;
    },
  };
  return [
    {
      key: "name",
      title: t`Project`,
      names: true,
      sort: "name",
      cell: (project) => (
        <Link to="/p/$project" params={{ project: project.name ?? "" }}>
          {project.name}
        </Link>
      ),
    },
    {
      key: "visibility",
      title: t`Visibility`,
      cell: (project) => <Visibility project={project} />,
    },
    ...(user ? [role] : []),
    {
      key: "repositories",
      title: t`Repositories`,
      number: true,
      cell: (project) => project.repo_count ?? 0,
    },
    ...(storage ? [used] : []),
    {
      key: "created",
      title: t`Created`,
      number: true,
      sort: "creation_time",
      cell: (project) => <When time={project.creation_time} />,
    },
  ];
}
