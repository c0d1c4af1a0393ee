import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { type Column, DataTable } from "../../../ui/DataTable";
import { When } from "../../../ui/When";
import { Origin } from "./Origin";
import type { User } from "./queries";
import { UserMenu } from "./UserMenu";

interface Props {
  users: User[];
  sort: string;
  onSort: (sort: string) => void;
}

export function UserTable({ users, sort, onSort }: Props) {
  const { t } = useLingui();
  const columns: Column<User>[] = [
    {
      key: "name",
      title: t`User name`,
      names: true,
      sort: "username",
      cell: (user) => (
        <Link to="/admin/users/$user" params={{ user: String(user.user_id) }}>
          {user.username}
        </Link>
      ),
    },
    { key: "real", title: t`Name`, sort: "realname", cell: (user) => user.realname || "–" },
    { key: "email", title: t`E-mail`, sort: "email", cell: (user) => user.email || "–" },
    { key: "origin", title: t`From`, cell: (user) => <Origin user={user} /> },
    {
      key: "admin",
      title: t`Administrator`,
      sort: "sysadmin_flag",
      cell: (user) => <Administers user={user} />,
    },
    {
      key: "created",
      title: t`Created`,
      number: true,
      sort: "creation_time",
      cell: (user) => <When time={user.creation_time} />,
    },
    { key: "do", title: t`Actions`, cell: (user) => <UserMenu user={user} /> },
  ];
  return (
    <DataTable
      caption={t`Users`}
      columns={columns}
      rows={users}
      rowKey={(user) => String(user.user_id)}
      sort={sort}
      onSort={onSort}
    />
  );
}

/** Whether somebody administers the registry, and by whose word. */
export function Administers({ user }: { user: User }) {
  if (user.sysadmin_flag) return <Trans>yes</Trans>;
  if (user.admin_role_in_auth) return <Trans>by a group</Trans>;
  return <>–</>;
}
