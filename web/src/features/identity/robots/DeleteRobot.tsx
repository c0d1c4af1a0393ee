import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Robot, useDeleteRobot } from "./queries";

interface Props {
  robot: Robot;
  onClose: () => void;
  onGone?: () => void;
}

export function DeleteRobot({ robot, onClose, onGone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteRobot();
  const name = robot.name ?? "";

  function confirm() {
    remove.mutate(robot.id ?? 0, {
      onSuccess: () => {
        say(t`The robot ${name} is deleted.`);
        onClose();
        onGone?.();
      },
    });
  }

  return (
    <ConfirmDialog
      opened
      title={t`Delete robot ${name}`}
      word={name}
      action={t`Delete robot`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The robot was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          What uses it is refused from now on, and it can't be brought back. To try whether somebody
          still needs it, disable it first.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
