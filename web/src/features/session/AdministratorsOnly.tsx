import { Trans, useLingui } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { Failed, Loading } from "../../ui/states";
import { useSession } from "./queries";
import { SignInRequired } from "./SignInRequired";

/** What only administrators of the registry see. Others learn whom to ask, and who is nobody yet may sign in. */
export function AdministratorsOnly({ children }: { children: ReactNode }) {
  const { t } = useLingui();
  const session = useSession();
  if (session.isPending) return <Loading />;
  if (session.isError) {
    return (
      <Failed
        what={t`It is unknown whether you are signed in.`}
        error={session.error}
        retry={() => session.refetch()}
      />
    );
  }
  if (!session.data?.sysadmin_flag) {
    return (
      <SignInRequired>
        <p>
          <Trans>This is for administrators of the registry.</Trans>
        </p>
      </SignInRequired>
    );
  }
  return children;
}
