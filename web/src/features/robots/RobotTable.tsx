import { Trans, useLingui } from "@lingui/react/macro";
import { lazy, Suspense } from "react";
import { type Column, DataTable } from "../../ui/DataTable";
import { When } from "../../ui/When";
import type { May } from "../session/may";
import type { Robot } from "./queries";
import { RobotState } from "./RobotState";
import { presetOf, rightsOf } from "./rights";
import classes from "./robots.module.css";
import type { Shown } from "./SecretShown";

const RobotActions = lazy(() =>
  import("./RobotActions").then((part) => ({ default: part.RobotActions })),
);

interface Props {
  project: string;
  robots: Robot[];
  may: May;
  sort: string;
  onSort: (sort: string) => void;
  onEdit: (robot: Robot) => void;
  onSecret: (shown: Shown) => void;
}

export function RobotTable({ robots, sort, onSort, ...rest }: Props) {
  const { t } = useLingui();
  const { may } = rest;
  const columns: Column<Robot>[] = [
    {
      key: "name",
      title: t`Name`,
      names: true,
      sort: "name",
      cell: (robot) => (
        <div className={classes.head}>
          <span>{robot.name}</span>
          {robot.description && <span className={classes.dim}>{robot.description}</span>}
        </div>
      ),
    },
    { key: "state", title: t`State`, cell: (robot) => <RobotState robot={robot} /> },
    { key: "may", title: t`May`, cell: (robot) => <Rights robot={robot} /> },
    {
      key: "used",
      title: t`Last used`,
      number: true,
      cell: (robot) => <When time={robot.last_used_at ?? undefined} />,
    },
    {
      key: "created",
      title: t`Created`,
      number: true,
      sort: "creation_time",
      cell: (robot) => <When time={robot.creation_time} />,
    },
  ];
  const actions: Column<Robot> = {
    key: "actions",
    title: t`Actions`,
    number: true,
    cell: (robot) => (
      <Suspense fallback={null}>
        <RobotActions robot={robot} {...rest} />
      </Suspense>
    ),
  };
  return (
    <DataTable
      caption={t`Robots`}
      columns={may("robot", "update") ? [...columns, actions] : columns}
      rows={robots}
      rowKey={(robot) => String(robot.id)}
      sort={sort}
      onSort={onSort}
    />
  );
}

function Rights({ robot }: { robot: Robot }) {
  const rights = rightsOf(robot.permissions);
  const all = rights.map(({ resource, action }) => `${resource}: ${action}`).join("\n");
  const preset = presetOf(rights);
  return (
    <span title={all}>
      {preset === "pull" && <Trans>pull</Trans>}
      {preset === "push" && <Trans>pull and push</Trans>}
      {preset === "own" && <Trans>Rights: {rights.length}</Trans>}
    </span>
  );
}
