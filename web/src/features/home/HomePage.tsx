import { useLingui } from "@lingui/react/macro";
import { Navigate } from "@tanstack/react-router";
import { Page } from "../../ui/Page";
import { Failed, Loading } from "../../ui/states";
import { useSession } from "../session/queries";
import { isBegun } from "../welcome/progress";
import { SignedInHome } from "./SignedInHome";
import { SignedOutHome } from "./SignedOutHome";

/** `/`: what is mine and what to do next; for those who are nobody yet, the way in. */
export function HomePage() {
  const { t } = useLingui();
  const session = useSession();
  const user = session.data;
  const isFirst = user?.sysadmin_flag && user.password_generated && !isBegun();
  const name = user?.realname || user?.username || "";
  return (
    <Page title={user ? t`Hello, ${name}` : t`Haven on ${window.location.host}`}>
      {session.isPending && <Loading />}
      {session.isError && (
        <Failed
          what={t`It is unknown whether you are signed in.`}
          error={session.error}
          retry={() => session.refetch()}
        />
      )}
      {user && isFirst && <Navigate to="/welcome" replace />}
      {user && !isFirst && <SignedInHome user={user} />}
      {user === null && <SignedOutHome />}
    </Page>
  );
}
