import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type Policy, useDeletePolicy } from "./queries";

interface Props {
  policy: Policy;
  onClose: () => void;
  onGone?: () => void;
}

export function DeletePolicy({ policy, onClose, onGone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeletePolicy();
  const name = policy.full_name;

  function confirm() {
    remove.mutate(policy.id, {
      onSuccess: () => {
        say(t`The policy ${name} is deleted.`);
        onClose();
        onGone?.();
      },
    });
  }

  return (
    <ConfirmDialog
      opened
      title={t`Delete policy ${name}`}
      word={name}
      action={t`Delete policy`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The policy was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          Programs that came in by it are out at once, and their next log-in is refused. It can't be
          brought back.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
