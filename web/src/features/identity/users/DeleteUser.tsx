import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type User, useDeleteUser } from "./queries";

interface Props {
  user: User;
  onClose: () => void;
  onGone?: () => void;
}

export function DeleteUser({ user, onClose, onGone }: Props) {
  const { t } = useLingui();
  const { say } = useNotices();
  const remove = useDeleteUser();
  const name = user.username ?? "";

  function confirm() {
    remove.mutate(user.user_id ?? 0, {
      onSuccess: () => {
        say(t`The user ${name} is deleted.`);
        onClose();
        onGone?.();
      },
    });
  }

  return (
    <ConfirmDialog
      opened
      title={t`Delete user ${name}`}
      word={name}
      action={t`Delete user`}
      busy={remove.isPending}
      error={remove.error}
      failed={t`The user was not deleted.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Trans>
          Sessions, tokens and roles of {name} are gone at once, and can't be brought back. Images
          and robots stay. Whom a directory or provider knows gets a new account at the next
          sign-in.
        </Trans>
      </p>
    </ConfirmDialog>
  );
}
