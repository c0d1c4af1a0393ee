import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { useNotices } from "../../ui/Notices";
import { type Robot, useDeleteRobot } from "./queries";

interface Props {
  robot: Robot;
  opened: boolean;
  onClose: () => void;
  onGone?: (() => void) | undefined;
}

/** Asks before a robot is deleted; of one of the registry, which may be in use anywhere, by its name. */
export function DeleteRobot({ robot, opened, onClose, onGone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteRobot();
  const name = robot.name ?? "";
  return (
    <ConfirmDialog
      opened={opened}
      title={t`Delete robot ${name}`}
      {...(robot.level === "system" && { word: name })}
      action={t`Delete robot`}
      failed={t`The robot was not deleted.`}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() =>
        remove.mutate(robot, {
          onSuccess: () => {
            say(t`The robot ${name} is deleted.`);
            onClose();
            onGone?.();
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
