import { Trans, useLingui } from "@lingui/react/macro";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { type SignedIn, useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { CliSecret } from "./CliSecret";
import { PasswordForm } from "./PasswordForm";
import { useProfile } from "./queries";
import { Sessions } from "./Sessions";
import { Tokens } from "./Tokens";

/** `/me`: who I am here, my password or CLI secret, my tokens and sessions. */
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
        <>
          <Credentials user={session.data} />
          <Section title={t`Access tokens`}>
            <Tokens />
          </Section>
          <Section title={t`Sessions`}>
            <Sessions />
          </Section>
        </>
      )}
    </Page>
  );
}

/** What I prove with who I am: the provider's people have a secret for docker, others a password. */
function Credentials({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const profile = useProfile();
  if (profile.isLoading) return <Loading />;
  if (profile.isError) {
    return (
      <Failed
        what={t`Your account can't be shown.`}
        error={profile.error}
        retry={() => profile.refetch()}
      />
    );
  }
  const secret = profile.data?.oidc_user_meta?.secret;
  if (secret) {
    return (
      <Section title={t`CLI secret`}>
        <CliSecret user={user} secret={secret} />
      </Section>
    );
  }
  return (
    <Section title={t`Password`}>
      {user.password_generated && (
        <p>
          <Trans>
            You still use the password that the first start made; it lies in a file on the server.
            Choose one that only you know.
          </Trans>
        </p>
      )}
      <PasswordForm user={user} />
    </Section>
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
