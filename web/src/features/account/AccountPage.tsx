import { Trans, useLingui } from "@lingui/react/macro";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { type SignedIn, useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { PasswordForm } from "./PasswordForm";

/** `/me`: who I am here, and my password. */
export function AccountPage() {
  const { t } = useLingui();
  const session = useSession();
  return (
    <Page title={t`Your account`} facts={session.data && <Facts user={session.data} />}>
      {session.isPending && <Loading />}
      {session.isError && (
        <Failed
          what={t`Your account can't be shown.`}
          error={session.error}
          retry={() => session.refetch()}
        />
      )}
      {session.data === null && (
        <SignInRequired>
          <p>
            <Trans>Sign in to see your account.</Trans>
          </p>
        </SignInRequired>
      )}
      {session.data && (
        <Section title={t`Password`}>
          {session.data.password_generated && (
            <p>
              <Trans>
                You still use the password that the first start made; it lies in a file on the
                server. Choose one that only you know.
              </Trans>
            </p>
          )}
          <PasswordForm user={session.data} />
        </Section>
      )}
    </Page>
  );
}

function Facts({ user }: { user: SignedIn }) {
  return (
    <>
      <span>{user.username}</span>
      {user.sysadmin_flag && (
        <span>
          <Trans>System administrator</Trans>
        </span>
      )}
    </>
  );
}
