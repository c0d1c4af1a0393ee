import { Trans, useLingui } from "@lingui/react/macro";
import { Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import type { SignedIn } from "../session/queries";
import { CliSecret } from "./CliSecret";
import { PasswordForm } from "./PasswordForm";
import { ProfileForm } from "./ProfileForm";
import { useProfile } from "./queries";

/** What I prove with who I am: the provider's people have a secret for docker, others a password. */
export function Credentials({ user }: { user: SignedIn }) {
  const { t } = useLingui();
  const profile = useProfile();
  if (profile.isPending) return <Loading />;
  if (profile.isError) {
    return (
      <Failed
        what={t`Your account can't be shown.`}
        error={profile.error}
        retry={() => profile.refetch()}
      />
    );
  }
  const secret = profile.data.oidc_user_meta?.secret;
  if (secret) {
    return (
      <Section title={t`CLI secret`}>
        <CliSecret user={user} secret={secret} />
      </Section>
    );
  }
  if (profile.data.provider) return <Elsewhere />;
  return (
    <>
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
      <Section title={t`Profile`}>
        <ProfileForm user={profile.data} />
      </Section>
    </>
  );
}

function Elsewhere() {
  const { t } = useLingui();
  return (
    <Section title={t`Password`}>
      <p>
        <Trans>
          Your password and your name are kept by the company's directory: change them there. Docker
          takes the same password, or a token from above.
        </Trans>
      </p>
    </Section>
  );
}
