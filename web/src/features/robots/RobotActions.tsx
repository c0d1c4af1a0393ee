import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { useNotices } from "../../ui/Notices";
import { DeleteRobot } from "./DeleteRobot";
import { type Robot, useChangeRobot, useEndPrevious } from "./queries";
import { RenewSecret } from "./RenewSecret";
import type { Shown } from "./SecretShown";

interface Props {
  robot: Robot;
  mayDelete: boolean;
  onEdit?: (robot: Robot) => void;
  /** The page shows a new secret; without, a dialog does. */
  onSecret?: (shown: Shown) => void;
  onGone?: () => void;
}

/** What can be done with a robot. */
export function RobotActions({ robot, mayDelete, onEdit, onSecret, onGone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useChangeRobot(robot);
  const endPrevious = useEndPrevious();
  const [asked, setAsked] = useState<"secret" | "delete">();
  const name = robot.name ?? "";
  const failed = (error: unknown) => say(t`${name} was not changed: ${asProblem(error).message}`);
  const close = () => setAsked(undefined);

  function enable(disable: boolean) {
    const set = (next: boolean) => change.mutateAsync({ disable: next });
    change.mutate(
      { disable },
      {
        onSuccess: () =>
          say(disable ? t`${name} is disabled.` : t`${name} is enabled.`, () => set(!disable)),
        onError: failed,
      },
    );
  }

  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="teal" aria-label={t`Actions for ${name}`}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {onEdit && (
            <Menu.Item onClick={() => onEdit(robot)}>
              <Trans>Edit robot</Trans>
            </Menu.Item>
          )}
          <Menu.Item onClick={() => setAsked("secret")}>
            <Trans>Make a new secret</Trans>
          </Menu.Item>
          {robot.previous_secret_expires_at && (
            <Menu.Item
              onClick={() =>
                endPrevious.mutate(robot, {
                  onSuccess: () => say(t`The old secret of ${name} has ended.`),
                  onError: failed,
                })
              }
            >
              <Trans>End the old secret now</Trans>
            </Menu.Item>
          )}
          <Menu.Item onClick={() => enable(!robot.disable)}>
            {robot.disable ? <Trans>Enable robot</Trans> : <Trans>Disable robot</Trans>}
          </Menu.Item>
          {mayDelete && (
            <Menu.Item color="red" onClick={() => setAsked("delete")}>
              <Trans>Delete robot</Trans>
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <RenewSecret robot={robot} opened={asked === "secret"} onMade={onSecret} onClose={close} />
      <DeleteRobot robot={robot} opened={asked === "delete"} onClose={close} onGone={onGone} />
    </>
  );
}
