import { useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import { asProblem } from "../../../api/problem";
import { useNotices } from "../../../ui/Notices";
import classes from "../identity.module.css";
import { DeleteRobot } from "./DeleteRobot";
import { type Robot, sameRobot, useUpdateRobot } from "./queries";
import { RenewSecret } from "./RenewSecret";

/** What can be done with a robot, in a row of the list. */
export function RobotMenu({ robot }: { robot: Robot }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const update = useUpdateRobot();
  const [deed, setDeed] = useState<"renew" | "delete">();
  const name = robot.name ?? "";

  function able(disable: boolean) {
    const change = (to: boolean) =>
      update.mutateAsync({ id: robot.id ?? 0, body: { ...sameRobot(robot), disable: to } });
    change(disable).then(
      () => say(disable ? t`${name} is disabled.` : t`${name} is enabled.`, () => change(!disable)),
      (error: unknown) => say(t`Nothing was changed: ${asProblem(error).message}`),
    );
  }

  return (
    <>
      <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <ActionIcon variant="subtle" aria-label={t`Actions for ${name}`}>
            <IconDots size={18} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => able(!robot.disable)}>
            {robot.disable ? t`Enable robot` : t`Disable robot`}
          </Menu.Item>
          <Menu.Item onClick={() => setDeed("renew")}>{t`Make a new secret`}</Menu.Item>
          <Menu.Item className={classes.grave ?? ""} onClick={() => setDeed("delete")}>
            {t`Delete robot`}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {deed === "renew" && <RenewSecret robot={robot} onClose={() => setDeed(undefined)} />}
      {deed === "delete" && <DeleteRobot robot={robot} onClose={() => setDeed(undefined)} />}
    </>
  );
}
