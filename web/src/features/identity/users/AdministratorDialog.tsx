import { Trans, useLingui } from "@lingui/react/macro";
import { ConfirmDialog } from "../../../ui/ConfirmDialog";
import { useNotices } from "../../../ui/Notices";
import { type User, useSetAdministrator } from "./queries";

/** Asks before somebody becomes an administrator, or is one no longer. It can be undone. */
export function AdministratorDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useSetAdministrator();
  const name = user.username ?? "";
  const id = user.user_id ?? 0;
  const administrator = !user.sysadmin_flag;

  function confirm() {
    change.mutate(
      { id, administrator },
      {
        onSuccess: () => {
          say(
            administrator
              ? t`${name} is an administrator.`
              : t`${name} is no administrator any more.`,
            () => change.mutateAsync({ id, administrator: !administrator }),
          );
          onClose();
        },
      },
    );
  }

  return (
    <ConfirmDialog
      opened
      title={administrator ? t`Make ${name} an administrator` : t`Take administration from ${name}`}
      action={administrator ? t`Make administrator` : t`Take administration away`}
      busy={change.isPending}
      error={change.error}
      failed={t`Nothing was changed.`}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        {administrator ? (
          <Trans>
            {name} may then do everything, in every project and with every user. Their sessions end:
            they sign in again.
          </Trans>
        ) : (
          <Trans>
            {name} keeps the roles in projects, and loses the rest at once. Their sessions end: they
            sign in again.
          </Trans>
        )}
      </p>
    </ConfirmDialog>
  );
}
