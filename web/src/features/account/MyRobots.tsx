import { Trans, useLingui } from "@lingui/react/macro";
import { type Column, DataTable } from "../../ui/DataTable";
import { Section } from "../../ui/Page";
import { When } from "../../ui/When";
import { RobotState } from "../robots/RobotState";
import type { SignedIn } from "../session/queries";
import { Permissions } from "./Permissions";
import { type Robot, useMyRobots } from "./robots";

/** The robots that I made. Nothing where there are none. */
export function MyRobots({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const robots = useMyRobots(user);
  if (robots.length === 0) return null;
  const columns: Column<Robot>[] = [
    { key: "name", title: t`Robot`, names: true, cell: (robot) => robot.name },
    {
      key: "may",
      title: t`It may`,
      cell: (robot) => <Permissions permissions={robot.permissions ?? []} />,
    },
    { key: "state", title: t`State`, cell: (robot) => <RobotState robot={robot} /> },
    {
      key: "used",
      title: t`Last used`,
      cell: (robot) =>
        robot.last_used_at ? <When time={robot.last_used_at} /> : <Trans>never</Trans>,
    },
  ];
  return (
    <Section title={t`Robots that you made`}>
      <DataTable
        caption={t`Robots that you made`}
        columns={columns}
        rows={robots}
        rowKey={(robot) => String(robot.id)}
      />
    </Section>
  );
}
