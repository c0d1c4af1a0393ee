import { Trans, useLingui } from "@lingui/react/macro";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { useSession } from "../session/queries";
import { SignInRequired } from "../session/SignInRequired";
import { AuditLog } from "./AuditLog";
import { Forwarding } from "./Forwarding";

/** Who did what, when, with what result. */
export function AuditPage() {
  const { t } = useLingui();
  const session = useSession();
  const user = session.data;
  return (
    <Page
      title={t`Audit`}
      facts={
        user &&
        (user.sysadmin_flag ? (
          <Trans>All that was done in this registry</Trans>
        ) : (
          <Trans>What was done in the projects that you administer</Trans>
        ))
      }
    >
      {session.isPending && <Loading />}
      {session.isError && (
        <Failed
          what={t`It is unknown whether you are signed in.`}
          error={session.error}
          retry={() => session.refetch()}
        />
      )}
      {user === null && (
        <SignInRequired>
          <p>
            <Trans>The audit log is for those who are signed in.</Trans>
          </p>
        </SignInRequired>
      )}
      {user && (
        <>
          {user.sysadmin_flag && <Forwarding />}
          <AuditLog />
        </>
      )}
    </Page>
  );
}
