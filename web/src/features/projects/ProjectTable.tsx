import { useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { useUser } from "../session/queries";
import type { Project } from "./queries";
import { roleName } from "./role";
import { Visibility } from "./Visibility";

export function ProjectTable({ caption, projects }: { caption: string; projects: Project[] }) {
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
  const columns: Column<Project>[] = [
    {
      key: "name",
      title: t`Project`,
      names: true,
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
    {
      key: "created",
      title: t`Created`,
      number: true,
      cell: (project) => <When time={project.creation_time} />,
    },
  ];
  return (
    <DataTable
      caption={caption}
      columns={columns}
      rows={projects}
      rowKey={(project) => String(project.project_id)}
    />
  );
}
