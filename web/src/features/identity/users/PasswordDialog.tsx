import { Trans, useLingui } from "@lingui/react/macro";
import { Dialog } from "../../../ui/Dialog";
import { Form } from "../../../ui/Form";
import { useNotices } from "../../../ui/Notices";
import { type User, useSetPassword } from "./queries";
import { usePasswordFields } from "./usePasswordFields";

/** Sets the password of somebody who has forgotten it. */
export function PasswordDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useLingui();
  const name = user.username ?? "";
  return (
    <Dialog opened title={t`New password for ${name}`} onClose={onClose}>
      <PasswordChange user={user} onClose={onClose} />
    </Dialog>
  );
}

function PasswordChange({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useLingui();
  const { say } = useNotices();
  const change = useSetPassword();
  const { fields, password, good } = usePasswordFields();
  const name = user.username ?? "";

  function submit() {
    if (!good) return;
    change.mutate(
      { id: user.user_id ?? 0, password },
      {
        onSuccess: () => {
          say(t`${name} has a new password.`);
          onClose();
        },
      },
    );
  }

  return (
    <Form
      action={t`Set password`}
      onSubmit={submit}
      busy={change.isPending}
      disabled={!good}
      error={change.error}
      failed={t`The password was not changed.`}
    >
      <p>
        <Trans>Sessions and docker log-ins with the former one end. Tokens go on.</Trans>
      </p>
      {fields}
    </Form>
  );
}
