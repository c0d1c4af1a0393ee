import { Trans, useLingui } from "@lingui/react/macro";
import { ActionIcon, Menu } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import type { May } from "../session/may";
import { NewSecret } from "./NewSecret";
import { type Robot, useChangeRobot, useDeleteRobot, useEndPrevious } from "./queries";
import type { Shown } from "./SecretShown";

interface Props {
  project: string;
  robot: Robot;
  may: May;
  onEdit: (robot: Robot) => void;
  onSecret: (shown: Shown) => void;
}

/** What can be done with a robot. */
export function RobotActions({ project, robot, may, onEdit, onSecret }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useChangeRobot(project);
  const endPrevious = useEndPrevious();
  const [asked, setAsked] = useState<"secret" | "delete">();
  const name = robot.name ?? "";
  const failed = (error: unknown) => say(t`${name} was not changed: ${asProblem(error).message}`);

  function enable(disable: boolean) {
    const set = (next: boolean) => change.mutateAsync({ robot, disable: next });
    change.mutate(
      { robot, disable },
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
          <Menu.Item onClick={() => onEdit(robot)}>
            <Trans>Edit robot</Trans>
          </Menu.Item>
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
          {may("robot", "delete") && (
            <Menu.Item color="red" onClick={() => setAsked("delete")}>
              <Trans>Delete robot</Trans>
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <NewSecret
        robot={robot}
        opened={asked === "secret"}
        onMade={onSecret}
        onClose={() => setAsked(undefined)}
      />
      <DeleteRobot robot={robot} opened={asked === "delete"} onClose={() => setAsked(undefined)} />
    </>
  );
}

interface DeleteProps {
  robot: Robot;
  opened: boolean;
  onClose: () => void;
}

function DeleteRobot({ robot, opened, onClose }: DeleteProps) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteRobot();
  const name = robot.name ?? "";
  return (
    <ConfirmDialog
      opened={opened}
      title={t`Delete ${name}`}
      action={t`Delete robot`}
      failed={t`The robot was not deleted.`}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(robot, {
          onSuccess: () => {
            say(t`${name} is deleted.`);
            onClose();
          },
        })
      }
      onClose={onClose}
    >
      <p>
        <Trans>
          What logs in as {name} stops working at once. This can't be undone; to try whether it is
          still needed, disable it first.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
