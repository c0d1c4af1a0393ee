import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import { Permissions } from "../account/Permissions";
import type { Robot } from "./queries";
import { RobotState } from "./RobotState";
import classes from "./robots.module.css";

interface Props {
  robots: Robot[];
  /** The project that they are of, which needn't be said. */
  project?: string | undefined;
  sort: string;
  onSort: (sort: string) => void;
  /** A robot's name, where it leads somewhere. */
  name?: ((robot: Robot) => ReactNode) | undefined;
  actions?: ((robot: Robot) => ReactNode) | undefined;
}

export function RobotTable({ robots, project, sort, onSort, name, actions }: Props) {
  const { t } = useLingui();
  const columns: Column<Robot>[] = [
    {
      key: "name",
      title: t`Robot`,
      names: true,
      sort: "name",
      cell: (robot) => (
        <div className={classes.head}>
          <span>{name?.(robot) ?? robot.name}</span>
          {robot.description && <span className={classes.dim}>{robot.description}</span>}
        </div>
      ),
    },
    {
      key: "state",
      title: t`State`,
      sort: "expires_at",
      cell: (robot) => <RobotState robot={robot} />,
    },
    {
      key: "may",
      title: t`It may`,
      cell: (robot) => <Permissions permissions={robot.permissions ?? []} here={project} />,
    },
    {
      key: "used",
      title: t`Last used`,
      number: true,
      cell: (robot) =>
        robot.last_used_at ? <When time={robot.last_used_at} /> : <Trans>never</Trans>,
    },
    {
      key: "created",
      title: t`Created`,
      number: true,
      sort: "creation_time",
      cell: (robot) => <When time={robot.creation_time} />,
    },
  ];
  if (actions) columns.push({ key: "do", title: t`Actions`, number: true, cell: actions });
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
