import { Trans, useLingui } from "@lingui/react/macro";
import { Page, Section } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { type SignedIn, useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { Credentials } from "./Credentials";
import { Look } from "./Look";
import { MyProjects } from "./MyProjects";
import { MyRobots } from "./MyRobots";
import { EndSessions, Sessions } from "./Sessions";
import { MakeToken } from "./TokenForm";
import { Tokens } from "./Tokens";

/** `/me`: who I am here, what I may, my password or CLI secret, my tokens and sessions. */
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
          <Section title={t`Your projects`}>
            <MyProjects />
          </Section>
          <Section title={t`Access tokens`} actions={<MakeToken />}>
            <Tokens />
          </Section>
          <Section title={t`Sessions`} actions={<EndSessions />}>
            <Sessions />
          </Section>
          <MyRobots user={session.data} />
          <Credentials user={session.data} />
          <Section title={t`How it looks in this browser`}>
            <Look />
          </Section>
        </>
      )}
    </Page>
  );
}

function Facts({ user }: { user: SignedIn }) {
  return (
    <>
      <span>{user.username}</span>
      {user.realname && <span>{user.realname}</span>}
      {user.sysadmin_flag && (
        <span>
          <Trans>System administrator</Trans>
        </span>
      )}
    </>
  );
}
