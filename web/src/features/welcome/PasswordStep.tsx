import { Trans } from "@lingui/react/macro";
import { PasswordForm } from "../account/PasswordForm";
import type { SignedIn } from "../session/queries";

/** Another password than the one that lies in a file. */
export function PasswordStep({ user }: { user: SignedIn }) {
  if (!user.password_generated) {
    return (
      <p>
        <Trans>Your password is one that you chose. There is nothing to do.</Trans>
      </p>
    );
  }
  return (
    <>
      <p>
        <Trans>
          The first start made your password and wrote it to a file on the server. Whoever reads the
          file is an administrator: choose another password, and the file goes.
        </Trans>
      </p>
      <PasswordForm user={user} />
    </>
  );
}
