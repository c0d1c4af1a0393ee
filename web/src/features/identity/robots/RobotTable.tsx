import { Trans, useLingui } from "@lingui/react/macro";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { type Column, DataTable } from "../../../ui/DataTable";
import { When } from "../../../ui/When";
import { Permissions } from "../../account/Permissions";
import classes from "../identity.module.css";
import type { Robot } from "./queries";

const RobotMenu = lazy(() => import("./RobotMenu").then((part) => ({ default: part.RobotMenu })));

interface Props {
  robots: Robot[];
  sort: string;
  onSort: (sort: string) => void;
}

export function RobotTable({ robots, sort, onSort }: Props) {
  const { t } = useLingui();
  const columns: Column<Robot>[] = [
    {
      key: "name",
      title: t`Robot`,
      names: true,
      sort: "name",
      cell: (robot) => (
        <div>
          <Link to="/admin/robots/$robot" params={{ robot: String(robot.id) }}>
            {robot.name}
          </Link>
          {robot.description && <p className={classes.dim}>{robot.description}</p>}
        </div>
      ),
    },
    {
      key: "may",
      title: t`It may`,
      cell: (robot) => <Permissions permissions={robot.permissions ?? []} />,
    },
    { key: "state", title: t`State`, cell: (robot) => <State robot={robot} /> },
    { key: "ends", title: t`Ends`, sort: "expires_at", cell: (robot) => <Ends robot={robot} /> },
    {
      key: "used",
      title: t`Last used`,
      cell: (robot) =>
        robot.last_used_at ? <When time={robot.last_used_at} /> : <Trans>never</Trans>,
    },
    {
      key: "do",
      title: t`Actions`,
      cell: (robot) => (
        <Suspense fallback={null}>
          <RobotMenu robot={robot} />
        </Suspense>
      ),
    },
  ];
  return (
    <DataTable
      caption={t`Robots`}
      columns={columns}
      rows={robots}
      rowKey={(robot) => String(robot.id)}
      sort={sort}
      onSort={onSort}
    />
  );
}

function hasEnded(robot: Robot): boolean {
  const end = robot.expires_at ?? -1;
  return end !== -1 && end * 1000 < Date.now();
}

export function State({ robot }: { robot: Robot }) {
  if (robot.disable) return <Trans>disabled</Trans>;
  if (hasEnded(robot)) return <span className={classes.bad}>{<Trans>expired</Trans>}</span>;
  if (robot.expires_soon) return <Trans>ends soon</Trans>;
  return <Trans>in use</Trans>;
}

export function Ends({ robot }: { robot: Robot }) {
  const end = robot.expires_at ?? -1;
  if (end === -1) return <Trans>never</Trans>;
  return <When time={new Date(end * 1000).toISOString()} />;
}
